// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/resolver"
)

// BenchmarkEmbedded is decisions of a replica in this process, about the mix that the service is asked, with 100,000 keys of which
// some are asked for much more often than others.
func BenchmarkEmbedded(b *testing.B) {
	w := newWorld(100_000, 0)
	asked := requests(newQuestions(w, drawn, false))
	b.Run("server=sqlite", func(b *testing.B) { decide(b, openWorld(b, w), asked) })
	b.Run("server=postgres", func(b *testing.B) { decide(b, joinWorld(b, w), asked) })
}

// BenchmarkEmbeddedFar is the mix while something else goes through 256 kB of memory between two decisions, as gRPC and the kernel do
// between two calls. Only the decisions are timed, with a look at the clock in each.
func BenchmarkEmbeddedFar(b *testing.B) {
	w := newWorld(100_000, 0)
	asked := requests(newQuestions(w, drawn, false))
	r := openWorld(b, w)
	askOnce(b, r, asked)
	const line, step = 64, 256 << 10
	others := make([]byte, 64<<20)
	took := make([]time.Duration, 0, 1<<20)
	at := 0
	for b.Loop() {
		for i := 0; i < step; i += line {
			others[(at*step+i)%len(others)]++
		}
		began := time.Now()
		if _, err := r.Authorize(b.Context(), asked[at%len(asked)]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		at++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns/decision")
}

// BenchmarkEmbeddedKeys is the same mix, about few keys or many, which are asked for alike.
func BenchmarkEmbeddedKeys(b *testing.B) {
	for _, keys := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			w := newWorld(keys, 0)
			decide(b, openWorld(b, w), requests(newQuestions(w, drawn, true)))
		})
	}
}

// BenchmarkEmbeddedSelection is one key, for a service in the last of the projects that it selects.
func BenchmarkEmbeddedSelection(b *testing.B) {
	for _, selected := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("selected=%d", selected), func(b *testing.B) { decideOne(b, embedded.Options{}, selected) })
	}
}

// BenchmarkEmbeddedRoutes is one key, for one service, by the table that is built in and by one of a thousand rows.
func BenchmarkEmbeddedRoutes(b *testing.B) {
	builtIn := len(resolver.Default().Routes())
	for _, rows := range []int{builtIn, 1000} {
		text := resolver.Source()
		for i := builtIn; i < rows; i++ {
			text += fmt.Sprintf("GET\t/api/services/{serviceId}/more-%d/{of}\tany\tservice\n", i)
		}
		routes, err := resolver.Parse(strings.NewReader(text), "routes")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) { decideOne(b, embedded.Options{Routes: routes}, 1) })
	}
}

// decide asks for everything once, and then again and again, on one processor and on two.
func decide(b *testing.B, r *embedded.Replica, asked []authz.Request) {
	b.Helper()
	askOnce(b, r, asked)
	for _, processors := range []int{1, 2} {
		b.Run(fmt.Sprintf("processors=%d", processors), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			ctx := b.Context()
			var callers atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				at := int(callers.Add(1)) * len(asked) / 3 % len(asked) // each from a place of its own
				for pb.Next() {
					if _, err := r.Authorize(ctx, asked[at]); err != nil {
						b.Error(err)
						return
					}
					if at++; at == len(asked) {
						at = 0
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}

// askOnce asks for everything once.
func askOnce(b *testing.B, r *embedded.Replica, asked []authz.Request) {
	b.Helper()
	for _, q := range asked {
		if _, err := r.Authorize(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC() // what the filling has left is not what is measured
}

// requests returns the questions as a gateway has them in its hands, credential headers read.
func requests(q *questions) (all []authz.Request) {
	for i := range q.all {
		in := q.all[i].request
		h := in.GetHeaders()
		all = append(all, authz.Request{Method: in.GetMethod(), Target: in.GetPath(), Credential: authz.CredentialHeaders{
			Authorization: h.GetAuthorization(), APIKey: h.GetXApiKey(), Cookie: h.GetCookie(),
		}.Credential()})
	}
	return all
}

func openWorld(b *testing.B, w *world) *embedded.Replica {
	b.Helper()
	dir := b.TempDir()
	fillSQLite(b, dir, w)
	return openEmbedded(b, embedded.Config{Dir: dir}).Replica
}

func joinWorld(b *testing.B, w *world) *embedded.Replica {
	b.Helper()
	server := testservers.Postgres(b)
	dsn := server.NewDatabase(b)
	fillPostgres(b, dsn, w)
	role, as := server.NewRole(b, dsn)
	grants, err := postgres.Grants(role)
	if err != nil {
		b.Fatal(err)
	}
	owner := openDB(b, "postgres", dsn)
	defer owner.Close()
	execute(b, owner, grants)
	r, err := embedded.Join(b.Context(), embedded.JoinConfig{DSN: as})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Close() })
	return r
}

func openEmbedded(b *testing.B, c embedded.Config) *embedded.Service {
	b.Helper()
	s, err := embedded.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// decideOne asks about a service with a key that selects some projects, in the last of which the service is.
func decideOne(b *testing.B, o embedded.Options, selected int) {
	b.Helper()
	s := openEmbedded(b, embedded.Config{Dir: b.TempDir(), Options: o})
	admin := authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "bench"}
	r := authz.KeyRequest{Name: "bench", Access: authz.Read, Forever: true}
	for i := range selected {
		p := authz.Project{ID: projectID(i), Slug: slug(i)}
		if _, err := s.Catalog.PutProjects(b.Context(), admin, "project", []authz.Project{p}); err != nil {
			b.Fatal(err)
		}
		r.Projects.IDs = append(r.Projects.IDs, p.ID)
	}
	last := authz.Service{ID: serviceID(0), ProjectID: projectID(selected - 1)}
	if _, err := s.Catalog.PutServices(b.Context(), admin, "service", []authz.Service{last}); err != nil {
		b.Fatal(err)
	}
	made, err := s.Issuer.Create(b.Context(), admin, r)
	if err != nil {
		b.Fatal(err)
	}
	decide(b, s.Replica, []authz.Request{{Method: "GET", Target: "/api/services/" + last.ID + "/overview",
		Credential: authz.KeyText(made.Secret.Reveal())}})
}
