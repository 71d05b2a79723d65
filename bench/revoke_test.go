// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// BenchmarkRevoke is RevokeKey on Postgres with some replicas, each of which has the key in memory, beside the same change
// without anybody to wait for: a plain commit.
func BenchmarkRevoke(b *testing.B) {
	for _, replicas := range []int{0, 1, 3, 10} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			dsn := testservers.Postgres(b).NewDatabase(b)
			db := open(b, dsn)
			var revoker authz.Store = db
			others := make([]servertest.Store, replicas)
			for i := range others {
				others[i] = servertest.Fenced(b, open(b, dsn), nil)
				defer others[i].Close()
				revoker = others[i]
			}
			defer db.Close()
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				k := apikey.Mint()
				create(b, db, k)
				for _, r := range others {
					q := authz.Query{Kind: authz.KeyCredential, Digest: k.Digest}
					if f, err := authz.FactsFrom(b.Context(), r, q); err != nil || f.Key == nil {
						b.Fatal(f, err)
					}
				}
				b.StartTimer()
				start := time.Now()
				if _, err := revoker.RevokeKey(b.Context(), change(), k.ID); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

func open(b *testing.B, dsn string) *postgres.Store {
	b.Helper()
	s, err := postgres.Open(b.Context(), postgres.Config{DSN: dsn, Migrate: true, MaxConns: 4})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func change() authz.Change {
	return authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "bench"}, At: time.Now()}
}

func create(b *testing.B, s authz.Store, k apikey.Minted) {
	b.Helper()
	c := change()
	if _, err := s.CreateKey(b.Context(), c, authz.NewKey{Digest: k.Digest, Key: authz.Key{
		ID: k.ID, Prefix: k.Prefix, Name: "bench", Access: authz.Write, Projects: authz.ProjectScope{All: true}, CreatedAt: c.At,
	}}); err != nil {
		b.Fatal(err)
	}
}
