// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// A form is a way to ask a server: in calls of their own, in a stream, in batches.
type form struct {
	name string
	// open makes the callers ready. What they use ends with the context.
	open func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error)
}

// A caller asks, waits for what comes back, and notes it.
type caller func(t *tally) error

// A result is what a measurement came to.
type result struct {
	took           time.Duration
	answers        int // messages
	decisions      int // in them
	latency        histogram
	server, client time.Duration // processor time
	failures       int
	failure        error // the first
}

// The figures that are compared.
func perSecond(r result) float64 { return float64(r.decisions) / r.took.Seconds() }
func p50(r result) float64       { return micros(r.latency.quantile(0.50)) }
func p99(r result) float64       { return micros(r.latency.quantile(0.99)) }
func p999(r result) float64      { return micros(r.latency.quantile(0.999)) }
func serverCPU(r result) float64 { return micros(r.server) / float64(max(r.decisions, 1)) }
func clientCPU(r result) float64 { return micros(r.client) / float64(max(r.decisions, 1)) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// A tally is what one caller has noted.
type tally struct {
	from, to time.Time // what was answered outside of this does not count
	last     time.Time // the last answer
	result
}

// note counts an answer to what was asked at some time.
func (t *tally) note(asked time.Time, decisions int) {
	t.last = time.Now()
	if t.last.Before(t.from) || t.last.After(t.to) {
		return
	}
	t.answers++
	t.decisions += decisions
	t.latency.note(t.last.Sub(asked))
}

// work lets a caller ask until the time is over. After an error it goes on, unless ctx has ended.
func (t *tally) work(ctx context.Context, ask caller) {
	for t.last.Before(t.to) && ctx.Err() == nil {
		if err := ask(t); err != nil {
			t.last = time.Now()
			t.failures++
			t.failure = first(t.failure, err)
		}
	}
}

// run asks a server for a while, after some time to get going. The error is the first that a caller met with.
func (f form) run(ctx context.Context, c *contestant, q *questions, callers int, d time.Duration) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asking, err := f.open(ctx, c, q, callers)
	if err != nil {
		return result{}, fmt.Errorf("%s, %s: %w", c.name, f.name, err)
	}
	if c.profiled != nil {
		c.profiled()
	}
	runtime.GC() // so that each begins alike
	from := time.Now().Add(warmUp(d))
	to := from.Add(d)
	defer time.AfterFunc(time.Until(to)+patience, cancel).Stop()

	tallies := make([]tally, len(asking))
	var working sync.WaitGroup
	for i, ask := range asking {
		tallies[i] = tally{from: from, to: to}
		working.Go(func() { tallies[i].work(ctx, ask) })
	}
	sum := result{took: d}
	sleepUntil(ctx, from)
	server, client := c.cpu(), ownCPU()
	sleepUntil(ctx, to)
	sum.server, sum.client = c.cpu()-server, ownCPU()-client
	working.Wait()
	for i := range tallies {
		sum.add(&tallies[i].result)
	}
	if sum.failure == nil {
		sum.failure = ctx.Err()
	}
	if sum.failure != nil {
		return sum, fmt.Errorf("%s, %s: %d times: %w", c.name, f.name, sum.failures, sum.failure)
	}
	return sum, nil
}

func (r *result) add(o *result) {
	r.answers += o.answers
	r.decisions += o.decisions
	r.latency.add(&o.latency)
	r.failures += o.failures
	r.failure = first(r.failure, o.failure)
}

// first returns the first error that is one.
func first(one, other error) error {
	if one != nil {
		return one
	}
	return other
}

// warmUp is how long callers work before it counts.
func warmUp(d time.Duration) time.Duration {
	return min(max(d/8, 50*time.Millisecond), 300*time.Millisecond)
}

func sleepUntil(ctx context.Context, at time.Time) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(at)):
	}
}
