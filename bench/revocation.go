// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// measureRevocation compares RevokeKey, which waits for every replica, with a plain commit of the same Postgres.
func measureRevocation(b *bench) {
	b.startPostgres()
	w := newWorld(10_000, spare)
	q := newQuestions(w, 1<<13, false)
	table := newComparison(b.out, "RevokeKey, the key in memory everywhere", p50Column, p99Column)
	for _, replicas := range []int{1, 3, 10} {
		b.within(count(replicas, "replica"), func(b *bench) {
			dsn := b.postgres.NewDatabase(b)
			fillPostgres(b, dsn, w)
			db := openDB(b, "postgres", dsn)
			defer db.Close()
			execute(b, db, "CREATE TABLE commits (id TEXT)")
			r := revoker{w, b.startFleet(replicas, dsn, ""), db}
			b.compareRevocations(table, r, "idle")
			all := r.fleet.together()
			for _, c := range r.fleet {
				b.askAll(c, q)
			}
			rate := b.saturation(all, q) / 2
			defer b.load(all, q, rate)()
			b.compareRevocations(table, r, fmt.Sprintf("beside %.0f decisions/s, half of what is possible", rate))
		})
	}
}

// load asks a server by the clock until the result is called.
func (b *bench) load(c *contestant, q *questions, rate float64) (end func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var asking sync.WaitGroup
	asking.Go(func() { openLoop(ctx, c, q, rate, time.Hour) })
	return func() {
		cancel()
		asking.Wait()
	}
}

// A revoker revokes keys that every replica of a fleet has in memory.
type revoker struct {
	*world
	fleet fleet
	plain *sql.DB
}

func (b *bench) compareRevocations(table comparison, r revoker, when string) {
	b.Helper()
	what := fmt.Sprintf("%s, %s", count(len(r.fleet), "replica"), when)
	if !b.wanted(what, "a plain commit") {
		return
	}
	var all []pair
	for range b.pairs {
		p := r.pair(b)
		b.say("RevokeKey, %s: p50 %.0f µs, a plain commit %.0f µs", what, p50(p.ours), p50(p.other))
		all = append(all, p)
	}
	table.add(what, "a plain commit", all)
}

// pair revokes keys and commits something else, in turn, for a while.
func (r revoker) pair(b *bench) (p pair) {
	b.Helper()
	const most = 300 // the keys have to last
	keys := authzv1.NewKeyServiceClient(r.fleet[0].admin)
	begun := time.Now()
	for n := 0; n < most && (n == 0 || time.Since(begun) < b.time); n++ {
		k := r.takeSpare()
		r.show(b, k)
		timed(b, &p.ours, func() error {
			_, err := keys.RevokeKey(b.Context(), &authzv1.RevokeKeyRequest{Id: k.ID})
			return err
		})
		timed(b, &p.other, func() error {
			_, err := r.plain.ExecContext(b.Context(), "INSERT INTO commits (id) VALUES ($1)", k.ID)
			return err
		})
	}
	return p
}

// show asks every replica about a key, which then has it in memory.
func (r revoker) show(b *bench, k *key) {
	b.Helper()
	h := &authzv1.CredentialHeaders{Authorization: []string{"Bearer " + k.Secret.Reveal()}}
	for _, c := range r.fleet {
		q := question{headers("GET", "/api/projects", h), true}
		if err := askOne(b.Context(), authzv1.NewAuthorizationServiceClient(c.gateway[0]), c, &q); err != nil {
			b.Fatal(err)
		}
	}
}

func timed(b *bench, r *result, do func() error) {
	b.Helper()
	begun := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	r.answers++
	r.latency.note(time.Since(begun))
}
