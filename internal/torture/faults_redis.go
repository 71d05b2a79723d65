// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture/cluster"
)

// bounded is how long nearly all decisions may take, whatever becomes of Redis, but for the slack. Where Redis were waited for, it
// would be two seconds and more.
const bounded = 500 * time.Millisecond

var redisFaults = []Fault{
	{
		Number: 5, Name: "Redis dies, and is empty",
		How: "kill -9 and an empty start; FLUSHALL ten times a second", Expect: "decisions are as fast as ever",
		Inject: emptyRedis, Check: expect(happened("kill Redis"), answersWithin(0.99, bounded)),
	},
	{
		Number: 6, Name: "Redis is slow",
		How:    "DEBUG SLEEP 2; CLIENT PAUSE; 300 ± 300 ms on the way; 1 kB/s; frozen",
		Expect: "decisions are as fast as ever, and Redis is not asked any more",
		Inject: slowRedis, Check: expect(happened("slow"), answersWithin(0.99, bounded), grew(redisReads, "skipped")),
	},
	{
		Number: 7, Name: "Redis goes back in time",
		How:    "started again from an old dump; a replica of it that lags is promoted, and everybody led there",
		Expect: "old records are refused", Inject: staleRedis, Check: expect(happened("back"), grew(rejectedTotal, "shelf")),
	},
	{
		Number: 8, Name: "Redis is written to by others",
		How:    "every value that was ever set is seen, and put back at random; values are swapped between keys, bits are flipped",
		Expect: "old records are refused", Inject: replayRedis, Check: expect(happened("replay"), grew(rejectedTotal, "shelf")),
	},
	{
		Number: 9, Name: "Redis is cut off from one replica",
		How: "connections are reset and refused, or held", Expect: "decisions are as fast as ever",
		Inject: cutRedis, Check: expect(happened("cut"), answersWithin(0.99, bounded)),
	},
}

// client returns a connection to Redis past all proxies, which closes with the stage.
func (s *Stage) client(address string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: address, ReadTimeout: 5 * time.Second, MaxRetries: -1})
	s.Cleanup(func() { _ = client.Close() })
	return client
}

// emptyRedis proves that nothing is believed because Redis does not contradict it.
func emptyRedis(ctx context.Context, s *Stage) {
	client := s.client(s.Redis.Addr())
	s.each(ctx, time.Second, func() {
		s.mark("kill Redis", -1)
		s.Redis.Kill(s)
		pause(ctx, upTo(s.rand, time.Second))
		s.Redis.Start(s)
	}, func() {
		for range 10 {
			client.FlushAll(ctx)
			pause(ctx, 100*time.Millisecond)
		}
	})
}

// slowRedis proves that Redis is never waited for.
func slowRedis(ctx context.Context, s *Stage) {
	client := s.client(s.Redis.Addr())
	through := func(f faultproxy.Faults) func() {
		return func() {
			s.mark("slow", -1)
			s.all(func(r *cluster.Replica) { r.Redis.Set(f) })
			pause(ctx, 2*time.Second)
			s.all(func(r *cluster.Replica) { r.Redis.Clear() })
		}
	}
	s.each(ctx, time.Second,
		func() { s.mark("slow", -1); client.Do(ctx, "DEBUG", "SLEEP", "2") },
		func() {
			s.mark("slow", -1)
			client.Do(ctx, "CLIENT", "PAUSE", "1500", "ALL")
			pause(ctx, 2*time.Second)
		},
		func() { s.mark("slow", -1); s.Redis.Freeze(s); pause(ctx, time.Second); s.Redis.Thaw(s) },
		through(faultproxy.Faults{Delay: 300 * time.Millisecond, Jitter: 300 * time.Millisecond}),
		through(faultproxy.Faults{Rate: 1000}),
	)
}

// staleRedis proves that what Redis has is believed only where it is known that nothing has changed since.
func staleRedis(ctx context.Context, s *Stage) {
	client := s.client(s.Redis.Addr())
	s.each(ctx, time.Second, func() { // from a dump
		client.Save(ctx)
		pause(ctx, time.Second)
		s.mark("back", -1)
		s.Redis.Kill(s)
		s.Redis.Start(s)
	}, func() { // to a replica that has lagged behind
		link := s.proxy(s.Redis.Addr())
		defer link.Close()
		host, port, _ := strings.Cut(link.Addr(), ":")
		lagging := testservers.StartRedis(s, testservers.RedisOptions{Config: []string{"replicaof " + host + " " + port}})
		defer lagging.Stop(s)
		behind := s.client(lagging.Addr())
		s.await(ctx, 5*time.Second, func() bool {
			return strings.Contains(behind.Info(ctx, "replication").Val(), "master_link_status:up")
		})
		link.Set(faultproxy.Faults{Hold: faultproxy.Down})
		pause(ctx, time.Second)
		link.Close()
		behind.Do(ctx, "REPLICAOF", "NO", "ONE")
		s.mark("back", -1)
		s.leadRedis(lagging.Addr())
		pause(ctx, time.Second)
		s.leadRedis(s.Redis.Addr())
	})
}

// proxy opens one more proxy.
func (s *Stage) proxy(target string) *faultproxy.Proxy {
	s.Helper()
	p, err := faultproxy.Listen(faultproxy.Route{Target: target})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *Stage) leadRedis(address string) {
	s.all(func(r *cluster.Replica) {
		r.Redis.Point(faultproxy.Route{Target: address})
		r.Redis.Cut(nil)
	})
}

// replayRedis proves that whoever can write to Redis, but does not have the entry key, can neither bring back a record nor
// pass one off as another.
func replayRedis(ctx context.Context, s *Stage) {
	client := s.client(s.Redis.Addr())
	spy := s.spyOn(ctx, s.Redis.Addr())
	for ctx.Err() == nil {
		s.mark("replay", -1)
		for range 300 {
			key, own, other, ok := spy.any(s.rand.IntN)
			if !ok {
				pause(ctx, 10*time.Millisecond)
				break
			}
			switch s.rand.IntN(10) {
			case 0:
				client.Set(ctx, key, other, redis.KeepTTL)
			case 1:
				client.SetRange(ctx, key, int64(s.rand.IntN(100)), string(rune(s.rand.IntN(128))))
			default:
				client.Set(ctx, key, own, redis.KeepTTL)
			}
		}
	}
}

// cutRedis proves that replicas need not agree on what is in Redis.
func cutRedis(ctx context.Context, s *Stage) {
	s.each(ctx, time.Second, func() {
		r := s.anyReplica()
		s.mark("cut", r.Number)
		r.Redis.Set(faultproxy.Faults{Refuse: true})
		r.Redis.Cut(nil)
		pause(ctx, time.Second)
		r.Redis.Clear()
	}, func() {
		r := s.anyReplica()
		s.mark("cut", r.Number)
		r.Redis.Set(faultproxy.Faults{Hold: faultproxy.Both})
		pause(ctx, time.Second)
		r.Redis.Clear()
	})
}
