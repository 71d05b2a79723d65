// SPDX-License-Identifier: Apache-2.0

package main

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

// BenchmarkSteady is what replicas ask of Postgres while they decide and nothing changes, for each replica and second: commits,
// which are statements, since each is a transaction of its own, and bytes of its write-ahead log.
//
//	go test -run '^$' -bench Steady -benchtime 3x ./cmd/aeroplane-authz
func BenchmarkSteady(b *testing.B) {
	const window = 15 * time.Second // a backend may keep what it has counted to itself for a second
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			dsn := testservers.Postgres(b).NewDatabase(b)
			fleet := make([]*process, replicas)
			for i := range fleet {
				fleet[i] = startServer(b, b.TempDir(), postgresFlags(b, dsn)...)
			}
			questions := fleet[0].questions(b)
			db, err := sql.Open("postgres", dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			counted := func() (commits, wal float64) {
				if err := db.QueryRow(`SELECT xact_commit, pg_current_wal_insert_lsn() - '0/0' FROM pg_stat_database
					WHERE datname = current_database()`).Scan(&commits, &wal); err != nil {
					b.Fatal(err)
				}
				return commits, wal
			}
			steadily := func(d time.Duration) {
				for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
					for _, p := range fleet {
						p.ask(b, 1, questions)
					}
				}
			}
			steadily(2 * time.Second)
			commits, wal := counted()
			for b.Loop() {
				steadily(window)
			}
			now, nowWAL := counted()
			each := float64(replicas*b.N) * window.Seconds()
			b.ReportMetric((now-commits)/each, "commits/s")
			b.ReportMetric((nowWAL-wal)/each, "wal-B/s")
		})
	}
}
