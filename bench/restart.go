// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/scrape"
)

// A restarted is what came of it that all replicas were started anew at once, while they were asked.
type restarted struct {
	decisions, denied atomic.Int64 // denied: what should not be
	failures, broken  atomic.Int64 // broken: failures of what was asked after health said SERVING
	took              time.Duration
	reads             float64        // key records from Postgres, per key and replica
	fromRedis         float64        // part of all records that came from Redis
	redis             scrape.Metrics // how the reads of Redis ended, parts of all by result
}

// callersEach is how many ask each replica.
const callersEach = 16

// restart starts replicas anew that have what is asked for in memory. Meanwhile each caller asks once an interval, or, where that is
// zero, again and again. In the end everything was asked once more, one thing after the other, so that reads can be counted.
func (b *bench) restart(f fleet, q *questions, interval time.Duration) *restarted {
	b.Helper()
	r := new(restarted)
	for _, c := range f {
		b.askAllBy(1, c, q) // so slowly that all of it comes into Redis
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	serving := make([]atomic.Pointer[time.Time], len(f))
	var asking sync.WaitGroup
	for i, c := range f {
		for n := range callersEach {
			asking.Go(func() { r.ask(ctx, c, q.from(n, callersEach), interval, &serving[i]) })
		}
	}
	sleepUntil(ctx, time.Now().Add(b.time/2))
	b.say("starting %s anew", count(len(f), "replica"))
	r.took = b.startAllAgain(f, serving)
	sleepUntil(ctx, time.Now().Add(b.time))
	cancel()
	asking.Wait()
	for _, c := range f {
		delete(c.asked, q)
		b.askAllBy(1, c, q)
	}
	r.count(b, f, q)
	return r
}

// startAllAgain ends all replicas at once, starts them, and returns how long it took until all of them served.
func (b *bench) startAllAgain(f fleet, serving []atomic.Pointer[time.Time]) time.Duration {
	b.Helper()
	var ending sync.WaitGroup
	for _, c := range f {
		ending.Go(func() { c.stop(b) })
	}
	ending.Wait()
	begun := time.Now()
	for _, c := range f {
		c.run(b)
	}
	for i, c := range f {
		c.await(b)
		now := time.Now()
		serving[i].Store(&now)
	}
	return time.Since(begun)
}

// ask asks a replica until ctx ends. Whoever cannot reach it waits: what is counted is what replicas answer.
func (r *restarted) ask(ctx context.Context, c *contestant, place cursor, interval time.Duration, serving *atomic.Pointer[time.Time]) {
	client := authzv1.NewAuthorizationServiceClient(c.gateway[place.at%connections])
	next := time.Now().Add(time.Duration(rand.Int64N(int64(interval) + 1))) // not all callers at once
	for ; ctx.Err() == nil; next = next.Add(interval) {
		sleepUntil(ctx, next)
		question := place.next()
		since := serving.Load()
		answer, err := client.Authorize(ctx, question.request, grpc.WaitForReady(true))
		switch {
		case ctx.Err() != nil:
		case err == nil && errors.Is(c.check(question, answer), errWrong):
			r.denied.Add(1)
		case err == nil:
			r.decisions.Add(1)
		default:
			r.failures.Add(1)
			if since != nil {
				r.broken.Add(1)
			}
		}
	}
}

// count reads from the replicas what their second start has cost.
func (r *restarted) count(b *bench, f fleet, q *questions) {
	b.Helper()
	keys := make(map[string]bool)
	for _, question := range q.all {
		h := question.request.GetHeaders()
		for _, value := range append(h.GetAuthorization(), h.GetXApiKey()...) {
			if text := strings.TrimPrefix(value, "Bearer "); apikey.FormOf(text) != apikey.Malformed {
				keys[text] = true
			}
		}
	}
	var fromPostgres, hits, asked float64
	r.redis = make(scrape.Metrics)
	for _, c := range f {
		m := c.metrics(b)
		r.reads += m.Sum("aeroplane_authz_record_reads_total", "key") / float64(len(keys)*len(f))
		fromPostgres += m.Sum("aeroplane_authz_record_reads_total")
		hits += m.Sum(redisReads, "hit")
		asked += m.Sum(redisReads)
		for _, result := range redisResults {
			r.redis[result] += m.Sum(redisReads, result)
		}
	}
	r.fromRedis = hits / (hits + fromPostgres)
	for result := range r.redis {
		r.redis[result] /= max(asked, 1)
	}
}

const redisReads = "aeroplane_authz_redis_reads_total"

var redisResults = []string{"hit", "miss", "timeout", "skipped", "error", "rejected"}

// report adds up what is counted, and gives the spread of the rest.
func report(table markdown, load, redis string, all []*restarted) {
	var decisions, denied, failures, broken int64
	var took, reads, fromRedis []float64
	for _, r := range all {
		decisions, denied = decisions+r.decisions.Load(), denied+r.denied.Load()
		failures, broken = failures+r.failures.Load(), broken+r.broken.Load()
		took, reads, fromRedis = append(took, r.took.Seconds()), append(reads, r.reads), append(fromRedis, 100*r.fromRedis)
	}
	var results []string
	for _, result := range redisResults {
		var parts []float64
		for _, r := range all {
			parts = append(parts, 100*r.redis[result])
		}
		if part := spreadOf(parts); part.most > 0 {
			results = append(results, fmt.Sprintf("%s %v %%", result, part))
		}
	}
	table.row(load, redis, fmt.Sprint(decisions), fmt.Sprint(denied), fmt.Sprint(failures), fmt.Sprint(broken),
		spreadOf(took).String(), spreadOf(reads).String(), spreadOf(fromRedis).String(), strings.Join(results, ", "))
}
