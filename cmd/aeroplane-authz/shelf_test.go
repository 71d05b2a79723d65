// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// TestRecordsComeFromRedis starts a replica after another has decided. It answers the same questions with what that one has put
// into Redis, and reads nothing in Postgres.
func TestRecordsComeFromRedis(t *testing.T) {
	t.Parallel()
	flags := postgresFlags(t, testservers.Postgres(t).NewDatabase(t))
	// Who makes the changes knows of no Redis, and drops nothing there that was put since.
	questions := startServer(t, t.TempDir(), flags...).questions(t)
	flags = append(flags, redisFlags(t, testservers.Redis(t).Addr())...)

	var records, lost int
	for i := range 6 { // two will do, unless Redis is late: nobody waits for it
		p, address := startOperated(t, flags...)
		await(t, "Redis to be asked", func() bool { return scrape(t, address, "redis_breaker_open") == 0 })
		for _, q := range questions { // one after the other, lest one be late because of the next
			if out, err := v1.NewAuthorizationServiceClient(p).Authorize(t.Context(), q); err != nil || !out.GetAllowed() {
				t.Fatalf("%s: %v, %v", q.GetPath(), out, err)
			}
		}
		reads, hits := scrape(t, address, `record_reads_total{kind="\w+"}`), scrape(t, address, `redis_reads_total{result="hit"}`)
		missing := scrape(t, address, `redis_reads_total{result="(miss|rejected)"}`)
		t.Logf("replica %d: %d records from Redis, and %d from Postgres; %d are not in Redis", i, hits, reads, missing)
		switch {
		case i == 0:
			records = reads
		case lost == 0 && missing > 0:
			t.Fatal("what was put is not there")
		case hits+reads > records:
			t.Fatal("what was found is read all the same")
		case hits == records:
			return
		}
		await(t, "what was read to be put", func() bool {
			lost = scrape(t, address, `redis_puts_total{result="lost"}`)
			return scrape(t, address, `redis_puts_total{result="done"}`)+lost == reads
		})
	}
	t.Skip("this machine is so busy that Redis is late each time")
}

// scrape returns the sum of the series that match a pattern.
func scrape(t *testing.T, address, pattern string) (sum int) {
	t.Helper()
	_, text := get(t, address, "/metrics")
	all := regexp.MustCompile(`(?m)^aeroplane_authz_`+pattern+` (\S+)$`).FindAllStringSubmatch(text, -1)
	if all == nil {
		t.Fatalf("no series %s", pattern)
	}
	for _, series := range all {
		n, err := strconv.Atoi(series[len(series)-1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// await waits for what another process does.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(poll) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
