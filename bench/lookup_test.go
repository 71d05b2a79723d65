// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

// BenchmarkDecide is a whole decision in process, on facts that are there: gate, route, credential and rules.
func BenchmarkDecide(b *testing.B) {
	text := apikey.Mint().Secret.Reveal()
	key := &authz.KeyRecord{ID: "k", Access: authz.Write, Projects: authz.ProjectScope{All: true}}
	a := authz.Authorizer{
		Routes: resolver.Default(), Used: func(*authz.KeyRecord, time.Time) {},
		Facts: facts{Key: key, Projects: []authz.ProjectRef{{ID: "project"}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := a.Authorize(b.Context(), authz.Request{
			Method: "GET", Target: "/api/services/service/overview", Credential: authz.KeyText(text),
		})
		if err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
	}
}

// facts are a FactStore that always knows the same.
type facts authz.Facts

func (f facts) Lookup(_ context.Context, l *authz.Lookup) error {
	l.Facts = authz.Facts(f)
	return nil
}

// BenchmarkLookup is the facts of a decision on a service route, of which the first look-up has read all that is needed.
func BenchmarkLookup(b *testing.B) {
	lite, pg := stores(b)
	for _, s := range []struct {
		name  string
		store servertest.Store
	}{{"sqlite", servertest.Fenced(b, lite, nil)}, {"postgres", servertest.Fenced(b, pg, nil)}} {
		b.Cleanup(func() { _ = s.store.Close() })
		var queries []authz.Query
		change := authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "bench"}, At: time.Now()}
		if _, err := s.store.PutProjects(b.Context(), change, []authz.Project{{ID: "project", Slug: "project"}}); err != nil {
			b.Fatal(err)
		}
		const keys = 1000
		for i := range keys {
			service, minted := fmt.Sprintf("service-%d", i), apikey.Mint()
			if _, err := s.store.PutServices(b.Context(), change, []authz.Service{{ID: service, ProjectID: "project"}}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.store.CreateKey(b.Context(), change, authz.NewKey{Digest: minted.Digest, Key: authz.Key{
				ID: minted.ID, Prefix: minted.Prefix, Name: "bench", Access: authz.Write,
				Projects: authz.ProjectScope{All: true}, CreatedAt: change.At,
			}}); err != nil {
				b.Fatal(err)
			}
			queries = append(queries, authz.Query{
				Kind: authz.KeyCredential, Digest: minted.Digest, Scope: resolver.Service, ID: service,
			})
		}
		next := 0
		var l authz.Lookup
		look := func() {
			next++
			l.Query = queries[next%keys]
			if err := s.store.Lookup(b.Context(), &l); err != nil || l.Facts.Key == nil || len(l.Facts.Projects) != 1 {
				b.Fatal(l.Facts, err)
			}
		}
		for range queries {
			look()
		}
		b.Run("server="+s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				look()
			}
		})
	}
}

// stores returns an empty store on each database. Whoever uses one closes it.
func stores(b *testing.B) (lite, pg servertest.Database) {
	b.Helper()
	lite, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir(), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	pg, err = postgres.Open(b.Context(), postgres.Config{DSN: testservers.Postgres(b).NewDatabase(b), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	return lite, pg
}
