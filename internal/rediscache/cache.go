// SPDX-License-Identifier: Apache-2.0

// Package rediscache keeps records in Redis, for all replicas together: the shelf of package fence.
//
// Nothing rests on it. What comes out is true at the revision that comes with it, and whoever asked checks that revision
// as it does any other. So Redis may lose entries, keep old ones, mix them up, be slow or be away, and the worst of it is
// a miss. What it could do beyond that is kept from it:
//
//   - Whoever can write to Redis cannot make a record up, or put one in another's place, nor can whoever reads there learn
//     what is kept, or of whom: entries are sealed, and their names are keyed (sealer).
//   - Whatever Redis does, a Get takes 2 ms at most, as far as timers are on time. It never waits for a connection to be
//     made (node), and while Redis does not answer it does not even ask (breaker).
//   - Whatever Redis says, it costs a bounded amount of memory (guard).
//
// Begin with Cache and Open.
package rediscache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz"
)

// A Cache keeps records in Redis. All methods may be called at once, and after Close, when nothing is found or kept any
// more.
type Cache struct {
	timing
	sealers []*sealer // the first one seals, all of them open
	servers directory
	queue   chan job
	counts  counters

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
}

// timing is how long things take. Tests have their own.
type timing struct {
	budget   time.Duration // the most that a Get takes
	least    time.Duration // a Get that has less left does not ask Redis: it would only lose a connection
	patience time.Duration // the most that any other wait for Redis takes
	dialling time.Duration // the most that making a connection takes
	interval time.Duration // between two looks at a server
}

var usual = timing{budget: budget, least: time.Millisecond, patience: 250 * time.Millisecond,
	dialling: 2 * time.Second, interval: time.Second}

// An entry is kept for ten minutes, a tenth more or less by chance, so that what was put at once does not go at once.
const (
	lifetime = 10 * time.Minute
	jitter   = lifetime / 10
)

// maxEntry bounds the bytes of an entry, both ways.
const maxEntry = 1 << 20

// Open returns a Cache, whether or not Redis can be reached: connections are made in the background, also later on. The
// errors are about the Config alone.
func Open(c Config) (*Cache, error) { return open(c, usual) }

func open(config Config, t timing) (*Cache, error) {
	sealers, err := config.check()
	if err != nil {
		return nil, err
	}
	if !config.LeaveLog {
		silence()
	}
	c := &Cache{timing: t, sealers: sealers, queue: make(chan job, queueSize)}
	c.life, c.end = context.WithCancel(context.Background())
	c.servers = config.servers(c)
	for range workers {
		c.running.Go(c.work)
	}
	return c, nil
}

// Close ends what runs in the background, and all connections. What waits to be kept is lost.
func (c *Cache) Close() {
	c.end()
	c.servers.close() // which wakes those who wait for a reply
	c.running.Wait()
}

// Get returns the record that was put for the subject, and the revision that it was put with, or false where there is
// none, or none in time. It takes 2 ms at most, and where ctx ends before, less.
func (c *Cache) Get(ctx context.Context, s authz.Subject) (authz.Record, authz.Revision, bool) {
	ctx, cancel := context.WithTimeout(ctx, c.budget)
	defer cancel()
	for _, key := range c.sealers {
		name := key.name(s)
		entry, err := c.fetch(ctx, name)
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			c.counts.failed(err)
			return authz.Record{}, authz.Revision{}, false
		}
		record, at, ok := key.open(name, entry)
		if !ok {
			c.counts.rejected.Add(1)
			return authz.Record{}, authz.Revision{}, false
		}
		c.counts.hits.Add(1)
		return record, at, true
	}
	c.counts.misses.Add(1)
	return authz.Record{}, authz.Revision{}, false
}

func (c *Cache) fetch(ctx context.Context, name string) ([]byte, error) {
	server := c.servers.of(name)
	if server == nil {
		return nil, errNobody
	}
	return server.get(ctx, name)
}
