// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server/servertest"
)

// BenchmarkMiss is a whole look-up of which nothing is in memory, so that it reads three records from Postgres: without a Redis;
// with one that, from one moment to the next, says nothing any more, until the breaker opens; and from then on. They take turns,
// because the machine is not the same all the time. In each round it takes four or five look-ups to open the breaker. Late are
// look-ups without a Redis which begin with a pause as long as a look-up waits for one: what they take more at p99.9 is what
// timers, and a process that was not running for a moment, come to on this machine.
//
//	go test -run '^$' -bench Miss -benchtime 350x ./internal/rediscache
func BenchmarkMiss(b *testing.B) {
	const patience = 3 * time.Millisecond
	c, proxy := silenceable(b)
	dsn := testservers.Postgres(b).NewDatabase(b)
	news := unread{db: openPostgres(b, dsn)}
	b.Cleanup(func() { _ = news.db.Close() })
	without, with := openFence(b, dsn, nil), openFence(b, dsn, c.Cache)

	var none, late, silent, open sample
	look := func(s servertest.Store, after time.Duration, took *sample) {
		q := news.next(b)
		took.measure(func() {
			time.Sleep(after)
			missed(b, s, q)
		})
	}
	for b.Loop() {
		news.make(b, 60, without, with)
		until(b, func() bool { return !c.Stats().Open })
		for range 2 { // what comes right after so many changes takes longer, as do the first look-ups of all: they are not counted
			look(with, 0, new(sample))
			look(without, 0, new(sample))
		}
		c.full(b)
		proxy.Set(faultproxy.Faults{Hold: faultproxy.Both})
		for !c.Stats().Open {
			look(with, 0, &silent)
			look(without, 0, &none)
			look(without, patience, &late)
		}
		for range openAfter {
			look(with, 0, &open)
			look(without, 0, &none)
		}
		proxy.Clear()
	}
	b.ReportMetric(0, "ns/op") // which is mostly the making of what is looked up
	b.ReportMetric(float64(len(silent)), "silent-look-ups")
	for what, took := range map[string]sample{"none": none, "late": late, "silent": silent, "open": open} {
		took.report(b, what+"-p50-ms", 500)
		took.report(b, what+"-p99.9-ms", 999)
	}
}

// missed looks up what is not in memory.
func missed(b *testing.B, s servertest.Store, q authz.Query) {
	b.Helper()
	f, err := authz.FactsFrom(b.Context(), s, q)
	if err != nil || f.Key == nil || len(f.Projects) != 1 {
		b.Fatal(f, err)
	}
}

// unread makes keys, services and projects, each for one look-up alone. A database makes them: a fence is not in between that
// could keep what it wrote.
type unread struct {
	db      *postgres.Store
	queries []authz.Query // about what nobody has read
}

// make makes as many as are missing to n, and returns when all stores have applied that: who reads what is newer than what is
// applied has to wait.
func (u *unread) make(b *testing.B, n int, stores ...servertest.Store) {
	b.Helper()
	change := authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "bench"}, At: time.Now()}
	var made authz.CreatedKey
	for len(u.queries) < n {
		k := apikey.Mint()
		id := k.ID // of all three
		if _, err := u.db.PutProjects(b.Context(), change, []authz.Project{{ID: id, Slug: id}}); err != nil {
			b.Fatal(err)
		}
		if _, err := u.db.PutServices(b.Context(), change, []authz.Service{{ID: id, ProjectID: id}}); err != nil {
			b.Fatal(err)
		}
		var err error
		made, err = u.db.CreateKey(b.Context(), change, authz.NewKey{Digest: k.Digest, Key: authz.Key{
			ID: id, Prefix: k.Prefix, Name: "bench", Access: authz.Write,
			Projects: authz.ProjectScope{IDs: []string{id}}, CreatedAt: change.At,
		}})
		if err != nil {
			b.Fatal(err)
		}
		u.queries = append(u.queries, authz.Query{Kind: authz.KeyCredential, Digest: k.Digest, Scope: resolver.Service, ID: id})
	}
	for _, s := range stores {
		nothing := authz.Query{Consistency: authz.Consistency{AtLeast: made.Revision}}
		until(b, func() bool { _, err := authz.FactsFrom(b.Context(), s, nothing); return err == nil })
	}
}

// next returns a query that it returns once.
func (u *unread) next(b *testing.B) authz.Query {
	b.Helper()
	if len(u.queries) == 0 {
		b.Fatal("all was read")
	}
	q := u.queries[0]
	u.queries = u.queries[1:]
	return q
}

func openPostgres(b *testing.B, dsn string) *postgres.Store {
	b.Helper()
	s, err := postgres.Open(b.Context(), postgres.Config{DSN: dsn, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// openFence opens a replica on a database, and closes it with the benchmark.
func openFence(b *testing.B, dsn string, shelf fence.Shelf) servertest.Store {
	b.Helper()
	s := servertest.FencedBeside(b, openPostgres(b, dsn), shelf)
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// A sample is how long the same took, each time.
type sample []time.Duration

func (s *sample) measure(do func()) {
	before := time.Now()
	do()
	*s = append(*s, time.Since(before))
}

// report reports what so many thousandths of the sample do not exceed, in milliseconds: 1000, the longest of all.
func (s sample) report(b *testing.B, unit string, thousandths int) {
	b.Helper()
	if len(s) == 0 {
		b.Fatal("nothing was measured")
	}
	sorted := slices.Sorted(slices.Values(s))
	at := min(len(s)*thousandths/1000, len(s)-1)
	b.ReportMetric(float64(sorted[at])/float64(time.Millisecond), unit)
}
