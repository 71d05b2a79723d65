// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// measureTail compares, at half of what a service can do, decisions in memory in times of trouble with those in quiet times, and
// these with the answers of an empty server. What does not wait for a database must not be slowed down by one.
func measureTail(b *bench) {
	b.prepare()
	failures := column{"failures", func(r result) float64 { return float64(r.failures) }}
	table := newComparison(b.out, "Authorize at half of what is possible, arriving by the clock",
		perSecondColumn, p50Column, p99Column, p999Column, failures)
	for _, c := range []*contestant{b.lite, b.pg} {
		chosen := slices.DeleteFunc(slices.Clone(troubles), func(t trouble) bool {
			return t.postgres && c != b.pg || !b.wanted(c.name+", "+t.name, t.against)
		})
		if len(chosen) == 0 {
			continue
		}
		b.askAll(c, b.zipf)
		rate := b.saturation(c, b.zipf) / 2
		for _, t := range chosen {
			other := func() result { return b.under(c, rate, quiet) }
			if t.against == b.tuned.name {
				other = func() result { return b.under(b.tuned, rate, quiet) }
			}
			ours := func() result { return b.under(c, rate, t) }
			table.add(c.name+", "+t.name, t.against, pairs(b.pairs, ours, other))
		}
	}
}

// saturation returns how many decisions in a second a server makes at most.
func (b *bench) saturation(c *contestant, q *questions) float64 {
	b.Helper()
	var all []float64
	for range 3 {
		all = append(all, perSecond(side{unary, c, 64, q}.measured(b)()))
	}
	return spreadOf(all).median
}

// under asks by the clock while something happens, for long enough that an outage fits in.
func (b *bench) under(c *contestant, rate float64, t trouble) (r result) {
	b.Helper()
	d := max(2*b.time, 2500*time.Millisecond)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		defer cancel()
		r = openLoop(b.Context(), c, b.zipf, rate, d)
	})
	t.happen(ctx, b, c, d)
	asking.Wait()
	if err := b.Context().Err(); err != nil {
		b.Fatal(err)
	}
	b.say("%s, %s: %.0f/s, p50 %.0f µs, p99.9 %.0f µs, %d failures %v", c.name, t.name, perSecond(r), p50(r), p999(r), r.failures, r.failure)
	return r
}
