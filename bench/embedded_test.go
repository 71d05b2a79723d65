// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	"aeroplane.run/authz/internal/testservers"
)

// BenchmarkEmbedded is decisions of a replica in this process, about the mix that the service is asked, with 100,000 keys of which
// some are asked for much more often than others.
func BenchmarkEmbedded(b *testing.B) {
	w := newWorld(100_000, 0)
	asked := requests(newQuestions(w, drawn, false))
	b.Run("server=sqlite", func(b *testing.B) { decide(b, openWorld(b, w), asked) })
	b.Run("server=postgres", func(b *testing.B) { decide(b, joinWorld(b, testservers.Postgres(b), w), asked) })
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
