// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protodelim"

	"aeroplane.run/authz/bench/empty"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// sampled is how many answers of the service an empty server has.
const sampled = 4096

// A stage is what measurements of decisions in memory share: a world, in both databases, a service on each that has all that is
// asked for in memory, and empty servers beside them.
type stage struct {
	world          *world
	zipf, uniform  *questions
	redis          *testservers.RedisServer
	lite, pg       *contestant
	tuned, untuned *contestant
}

// prepare makes the stage, once.
func (b *bench) prepare() {
	b.Helper()
	if b.stage != nil {
		return
	}
	s := new(stage)
	b.say("making %d keys", b.keys)
	s.world = newWorld(b.keys, spare)
	s.zipf, s.uniform = newQuestions(s.world, drawn/2, false), newQuestions(s.world, drawn, true)

	b.say("filling SQLite")
	dir := b.TempDir()
	fillSQLite(b, dir, s.world)
	b.startPostgres()
	s.redis = testservers.Redis(b)
	dsn := b.postgres.NewDatabase(b)
	b.say("filling Postgres")
	fillPostgres(b, dsn, s.world)

	s.lite = startService(b, "SQLite", b.binary, append(onSQLite(dir), b.profileOf("sqlite")...)).await(b)
	s.pg = startService(b, "Postgres and Redis", b.binary, append(onPostgres(b, dsn, s.redis.Addr()), b.profileOf("postgres")...)).await(b)
	answers := filepath.Join(b.TempDir(), "answers")
	b.sample(s.lite, s.zipf, answers)
	s.tuned = b.startEmpty(empty.Tuned, s.lite, answers, b.profileOf("empty")...)
	s.untuned = b.startEmpty(empty.Untuned, s.lite, answers)
	b.stage = s
	if b.profile != "" {
		s.lite.profiled = b.profiler(s.lite, "sqlite")
		s.pg.profiled = b.profiler(s.pg, "postgres")
		s.tuned.profiled = b.profiler(s.tuned, "empty")
	}
}

// sample writes the answers of a service to some questions into a file, for empty servers.
func (b *bench) sample(c *contestant, q *questions, path string) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	for i := range sampled {
		answer, err := authzv1.NewAuthorizationServiceClient(c.gateway[0]).Authorize(b.Context(), q.all[i%len(q.all)].request)
		if err == nil {
			_, err = protodelim.MarshalTo(out, answer)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}
