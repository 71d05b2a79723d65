// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"math/rand/v2"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

// BenchmarkRecovery is how long it takes, from when a Redis that was killed answers again, until a Cache finds a record there.
// Redis has lost it, and so whenever it is not found it is put again, as a replica does.
//
//	go test -run '^$' -bench Recovery -benchtime 100x ./internal/rediscache
func BenchmarkRecovery(b *testing.B) {
	server := testservers.Redis(b)
	c := answering(b, at1(server), usual)
	var took sample
	for b.Loop() {
		c.full(b)
		server.Kill(b)
		until(b, func() bool { c.missed(b, aKey); return c.Stats().Open })
		time.Sleep(rand.N(c.interval)) // else it would always answer again at the same time before the next look
		server.Start(b)
		took.measure(func() {
			until(b, func() bool {
				if _, _, ok := c.Get(b.Context(), aKey); ok {
					return true
				}
				c.do(job{subject: aKey, record: keyA, at: revision})
				return false
			})
		})
	}
	b.ReportMetric(0, "ns/op") // which is mostly the time without a Redis
	took.report(b, "p50-ms", 500)
	took.report(b, "max-ms", 1000)
}
