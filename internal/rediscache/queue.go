// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz"
)

// What is put or dropped waits in a queue for one of the workers. What finds no room there is lost: a record that is not
// kept, or one that is too old and will be refused by whoever gets it, is read from the database.
const (
	queueSize = 4096
	workers   = 4
)

// A job is a record to keep or to drop.
type job struct {
	subject authz.Subject
	drop    bool
	record  authz.Record
	at      authz.Revision
}

// Put keeps a record, if that is possible at once or later. It does not block.
func (c *Cache) Put(s authz.Subject, r authz.Record, at authz.Revision) {
	c.enqueue(job{subject: s, record: r, at: at})
}

// Drop forgets records, if that is possible at once or later. It does not block.
func (c *Cache) Drop(subjects []authz.Subject) {
	for _, s := range subjects {
		c.enqueue(job{subject: s, drop: true})
	}
}

func (c *Cache) enqueue(j job) {
	select {
	case c.queue <- j:
	default:
		c.counts.lost(j)
	}
}

// work does jobs until the Cache is closed.
func (c *Cache) work() {
	for {
		select {
		case <-c.life.Done():
			return
		case j := <-c.queue:
			c.do(j)
		}
	}
}

func (c *Cache) do(j job) {
	act := c.put
	if j.drop {
		act = c.drop
	}
	if err := act(j); err != nil {
		c.counts.lost(j)
		return
	}
	c.counts.done(j)
}

// put keeps a record under the first key.
func (c *Cache) put(j job) error {
	name := c.sealers[0].name(j.subject)
	entry, ok := c.sealers[0].seal(name, j.record, j.at)
	if !ok {
		return errUnfit
	}
	life := lifetime - jitter + rand.N(2*jitter).Truncate(time.Millisecond)
	return c.change(name, func(ctx context.Context, conn *redis.Conn) error {
		return conn.Set(ctx, name, entry, life).Err()
	})
}

// drop forgets a subject under every key.
func (c *Cache) drop(j job) (err error) {
	for _, key := range c.sealers {
		name := key.name(j.subject)
		failed := c.change(name, func(ctx context.Context, conn *redis.Conn) error { return conn.Del(ctx, name).Err() })
		if failed != nil {
			err = failed
		}
	}
	return err
}

func (c *Cache) change(name string, command func(context.Context, *redis.Conn) error) error {
	server := c.servers.of(name)
	if server == nil {
		return errNobody
	}
	return server.write(c.life, command)
}
