// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/bench/empty"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// measureCold starts servers that have nothing in memory, with as many keys in the database as there may be: one beside an empty
// server, and then all replicas of a fleet at once, while they are asked.
func measureCold(b *bench) {
	b.say("making %d keys", b.most)
	w := newWorld(b.most, spare)
	q := newQuestions(w, 1<<14, false)
	b.startPostgres()
	dsn := b.postgres.NewDatabase(b)
	b.say("filling Postgres")
	fillPostgres(b, dsn, w)
	b.within("start", func(b *bench) { b.compareStarts(w, q, dsn) })

	table := newTable(b.out, "Three replicas started anew at once, while 48 callers ask, "+count(b.pairs, "time"), "load", "Redis", "decisions",
		"denied that should not be", "failures", "of these after health said SERVING", "until all serve, s",
		"key records read from Postgres, per key and replica", "% of the records that came from Redis", "how reads of Redis ended")
	const replicas, rate = 3, 600
	for _, interval := range []time.Duration{replicas * callersEach * time.Second / rate, 0} {
		load := "all that it can take"
		if interval > 0 {
			load = fmt.Sprintf("%d/s", rate)
		}
		for _, with := range []string{"none", "warm"} {
			if !b.wanted("restart, "+load+", Redis "+with, "") {
				continue
			}
			b.within("restart", func(b *bench) {
				address := ""
				if with == "warm" {
					address = testservers.Redis(b).Addr()
				}
				f := b.startFleet(replicas, dsn, address)
				var all []*restarted
				for range b.pairs {
					all = append(all, b.restart(f, q, interval))
				}
				report(table, load, with, all)
			})
		}
	}
}

// compareStarts measures from the start of a process to its first answer.
func (b *bench) compareStarts(w *world, q *questions, dsn string) {
	b.Helper()
	dir := b.TempDir()
	b.say("filling SQLite")
	fillSQLite(b, dir, w)
	lite := startService(b, "SQLite", b.binary, onSQLite(dir)).await(b)
	pg := startService(b, "Postgres", b.binary, onPostgres(b, dsn, "")).await(b)
	answers := filepath.Join(b.TempDir(), "answers")
	b.sample(lite, q, answers)
	other := b.startEmpty(empty.Tuned, lite, answers)
	table := newComparison(b.out, "From the start to the first answer, with "+count(b.most, "key"), column{"ms", milliseconds})
	for _, c := range []*contestant{lite, pg} {
		if b.wanted(c.name, other.name) {
			start := func(c *contestant) func() result { return func() result { return b.startAgain(c, q) } }
			table.add(c.name, other.name, pairs(b.pairs, start(c), start(other)))
		}
	}
}

func milliseconds(r result) float64 { return micros(r.took) / 1000 }

// startAgain starts a server anew, and returns how long it took until it answered a question.
func (b *bench) startAgain(c *contestant, q *questions) result {
	b.Helper()
	c.stop(b)
	begun := time.Now()
	c.run(b)
	answer, err := authzv1.NewAuthorizationServiceClient(c.gateway[0]).Authorize(b.Context(), q.all[0].request, grpc.WaitForReady(true))
	took := time.Since(begun)
	if err == nil {
		err = c.check(&q.all[0], answer)
	}
	if err != nil {
		b.Fatalf("%s: %v\n%s", c.name, err, c.lastWords())
	}
	b.say("%s answers after %v", c.name, took.Round(time.Millisecond/10))
	return result{took: took}
}
