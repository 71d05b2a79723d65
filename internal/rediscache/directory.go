// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A directory knows which server has which entry.
type directory interface {
	// of returns the server that has the entry of a name, and nil where that is not known. It does not block.
	of(name string) *node
	// open reports whether there is a server that does not answer.
	open() bool
	// close ends all connections. The life of the Cache has ended before.
	close()
}

// one is a server that has everything.
type one struct{ *node }

func (o one) of(string) *node { return o.node }
func (o one) open() bool      { return o.isOpen() }
func (o one) close()          { _ = o.client.Close() }

// maxNodes bounds how many servers of a cluster there are connections to.
const maxNodes = 256

// A cluster is several servers, of which each has a part. go-redis knows which: it asks one of them, and again in the
// background from time to time and when a server sends us to another.
type cluster struct {
	*Cache
	client *redis.ClusterClient
	log    *slog.Logger
	known  atomic.Bool // it was asked once: from then on go-redis tells without asking

	mu    sync.RWMutex
	nodes map[*redis.Client]*node // guarded by mu
}

func (c *cluster) of(name string) *node {
	if !c.known.Load() {
		return nil
	}
	client, err := c.client.MasterForKey(c.life, name)
	if err != nil {
		return nil
	}
	c.mu.RLock()
	n := c.nodes[client]
	c.mu.RUnlock()
	if n == nil {
		n = c.add(client)
	}
	return n
}

// add begins to make connections to a server.
func (c *cluster) add(client *redis.Client) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[client]; n != nil || c.life.Err() != nil || len(c.nodes) >= maxNodes {
		return n
	}
	n := newNode(client, client.Options().Addr, c.timing, c.log, &c.counts.opened, func() { c.client.ReloadState(c.life) })
	c.nodes[client] = n
	c.running.Go(func() {
		n.keep(c.life)
		c.mu.Lock() // it has left the cluster: go-redis has closed the client
		delete(c.nodes, client)
		c.mu.Unlock()
	})
	return n
}

// discover asks which server has which part, until one tells.
func (c *cluster) discover() {
	tick := time.NewTicker(c.interval)
	defer tick.Stop()
	var doubt breaker // tells the log
	doubt.init("all of the cluster", c.client.Options().Password, c.log, &c.counts.opened)
	for !c.ask(&doubt) {
		select {
		case <-c.life.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *cluster) ask(doubt *breaker) (known bool) {
	ctx, cancel := context.WithTimeout(c.life, c.dialling)
	defer cancel()
	err := c.client.ForEachMaster(ctx, func(_ context.Context, client *redis.Client) error {
		c.add(client)
		return nil
	})
	if err != nil {
		doubt.failed(err)
		return false
	}
	c.known.Store(true)
	return true
}

func (c *cluster) open() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, n := range c.nodes {
		if n.isOpen() {
			return true
		}
	}
	return !c.known.Load()
}

func (c *cluster) close() {
	c.mu.Lock() // no node is added any more
	defer c.mu.Unlock()
	_ = c.client.Close()
}
