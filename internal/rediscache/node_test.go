// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz/internal/testservers"
)

// dials are the connections that were made, and the longest time that was given to one read or write on them.
type dials struct {
	longest atomic.Int64 // nanoseconds

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

// newTestNode returns a node that nobody keeps.
func newTestNode(t *testing.T, address string, how timing) (*node, *dials) {
	t.Helper()
	made := new(dials)
	plain := &dialer{life: t.Context()}
	config := Config{Addresses: []string{address}}
	options := config.options(how, plain)
	options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := plain.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		made.mu.Lock()
		defer made.mu.Unlock()
		made.conns = append(made.conns, conn)
		return timed{conn, made}, nil
	}
	n := newNode(redis.NewClient(options.Simple()), address, how, slog.New(slog.DiscardHandler), new(atomic.Uint64), func() {})
	t.Cleanup(func() { _ = n.client.Close() })
	return n, made
}

func (d *dials) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
}

// hangUp ends all connections.
func (d *dials) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.conns {
		_ = conn.Close()
	}
}

// A timed connection notes how much time it is given.
type timed struct {
	net.Conn
	*dials
}

// SetReadDeadline implements net.Conn.
func (c timed) SetReadDeadline(at time.Time) error {
	c.note(at)
	return c.Conn.SetReadDeadline(at)
}

// SetWriteDeadline implements net.Conn.
func (c timed) SetWriteDeadline(at time.Time) error {
	c.note(at)
	return c.Conn.SetWriteDeadline(at)
}

func (c timed) note(at time.Time) {
	left := time.Until(at)
	if at.IsZero() {
		left = time.Hour
	}
	c.longest.Store(max(c.longest.Load(), int64(left)))
}

// warm sees to it that a node has a connection, and has proven itself.
func warm(t *testing.T, n *node) {
	t.Helper()
	n.hangUp(n.broken)
	if n.live.Load() == 0 {
		if err := n.add(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n.isOpen() {
		n.answered()
	}
}

// TestAServerThatCeasedForAMomentIsLookedAtSoon lets the breaker open between two looks that are more than a minute apart.
func TestAServerThatCeasedForAMomentIsLookedAtSoon(t *testing.T) {
	t.Parallel()
	how := patient
	how.interval = 80 * time.Second
	n, _ := newTestNode(t, testservers.Redis(t).Addr(), how)
	go n.keep(t.Context())
	until(t, func() bool { return !n.isOpen() && len(n.ready) == connections })
	n.failures.Store(openAfter)
	n.give(<-n.ready, context.DeadlineExceeded)
	until(t, func() bool { return !n.isOpen() })
}

func TestWhatATimeoutTells(t *testing.T) {
	n := &node{timing: timing{budget: 2 * time.Millisecond}}
	for name, c := range map[string]struct {
		err        error
		left, late time.Duration
		want       bool
	}{
		"in time":              {nil, time.Millisecond, 0, true},
		"silent":               {context.DeadlineExceeded, 2 * time.Millisecond, time.Millisecond, true},
		"in a hurry":           {context.DeadlineExceeded, time.Millisecond, 0, false},
		"stood still":          {os.ErrDeadlineExceeded, 2 * time.Millisecond, 3 * time.Millisecond, false},
		"broken, however late": {io.EOF, time.Millisecond, time.Second, true},
	} {
		if got := n.telling(c.err, c.left, c.late); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
