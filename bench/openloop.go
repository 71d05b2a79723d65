// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// waiting is how many requests can be under way when they come by the clock.
const waiting = 1024

// openLoop asks at a constant rate, whether or not there were answers, as clients do, who know nothing of each other. A request is
// timed from when it was due: a server that stands still does not keep its own figures good by being asked less. Failures are
// counted, and are nothing to end for.
func openLoop(ctx context.Context, c *contestant, q *questions, rate float64, d time.Duration) result {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1)) // the clock would take a processor's turn
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	runtime.GC()
	begin := time.Now()
	from := begin.Add(warmUp(d))
	to := from.Add(d)
	defer time.AfterFunc(time.Until(to)+patience, cancel).Stop()

	due := make(chan time.Time, 1<<20)
	go tick(ctx, due, rate, begin, to)
	results := make([]result, waiting)
	var working sync.WaitGroup
	for i := range results {
		client, place, r := authzv1.NewAuthorizationServiceClient(c.gateway[i%len(c.gateway)]), q.from(i, waiting), &results[i]
		working.Go(func() {
			for at := range due {
				err := askOne(ctx, client, c, place.next())
				if !at.Before(from) { // else it is to get going
					r.noteDue(at, err)
				}
			}
		})
	}
	working.Wait()
	sum := result{took: d}
	for i := range results {
		sum.add(&results[i])
	}
	return sum
}

// noteDue counts what became of a request that was due at some time.
func (r *result) noteDue(at time.Time, err error) {
	if err != nil {
		r.failures++
		r.failure = first(r.failure, err)
		return
	}
	r.answers++
	r.decisions++
	r.latency.note(time.Since(at))
}

// tick tells when requests are due, each by itself as far as the system's timers can, until the time is over.
func tick(ctx context.Context, due chan<- time.Time, rate float64, begin, to time.Time) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(due)
	interval := time.Duration(float64(time.Second) / rate)
	for next := begin; next.Before(to) && ctx.Err() == nil; next = next.Add(interval) {
		if wait := time.Until(next); wait > 0 {
			pause(wait)
		}
		due <- next
	}
}
