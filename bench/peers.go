// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz/internal/testservers"
)

// measurePeers compares calls of Authorize with what else could be asked instead: a Redis that holds the answers, and OpenFGA, which
// answers more general questions.
func measurePeers(b *bench) {
	b.prepare()
	table := newComparison(b.out, "Peers", costs...)
	ours := side{unary, b.lite, 64, b.zipf}
	b.within("Redis", func(b *bench) {
		server := testservers.Redis(b)
		peer := &contestant{name: "Redis", empty: true, process: server}
		keys := fillRedis(b, server.Addr())
		b.bar(table, ours, side{redisGets("GET, a pool of connections", server.Addr(), 0, keys), peer, 64, b.zipf})
		b.bar(table, ours, side{redisGets("GET, one connection", server.Addr(), 1, keys), peer, 64, b.zipf})
	})
	if _, err := os.Stat(openFGA); err != nil {
		b.say("%v: to measure OpenFGA, run `make %s`", err, openFGA)
		return
	}
	for _, kind := range []struct {
		name  string
		flags []string
	}{
		{"OpenFGA", nil},
		{"OpenFGA, with its caches", []string{"--check-query-cache-enabled", "--check-iterator-cache-enabled"}},
	} {
		b.within(kind.name, func(b *bench) {
			peer, checks := startOpenFGA(b, kind.name, kind.flags...)
			b.bar(table, ours, side{checks, peer, 64, b.zipf})
		})
	}
}

// fillRedis puts values into it that are as long as the records which the service keeps, and returns their keys.
func fillRedis(b *bench, address string) (keys []string) {
	b.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	value := make([]byte, 300)
	for range 100 {
		if _, err := client.Pipelined(b.Context(), func(p redis.Pipeliner) error {
			for range 1000 {
				keys = append(keys, fmt.Sprintf("bench:%032d", len(keys)))
				p.Set(b.Context(), keys[len(keys)-1], value, 0)
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return keys
}

// redisGets is a GET for each decision, on so many connections. 0: as many as the client makes by itself.
func redisGets(name, address string, connections int, keys []string) form {
	return form{name, func(ctx context.Context, _ *contestant, _ *questions, callers int) ([]caller, error) {
		client := redis.NewClient(&redis.Options{Addr: address, PoolSize: connections})
		context.AfterFunc(ctx, func() { _ = client.Close() })
		var all []caller
		for i := range callers {
			next := i
			all = append(all, func(t *tally) error {
				next = (next + 7919) % len(keys) // a prime, so that callers come by all keys
				asked := time.Now()
				_, err := client.Get(ctx, keys[next]).Bytes()
				if err == nil {
					t.note(asked, 1)
				}
				return err
			})
		}
		return all, nil
	}}
}
