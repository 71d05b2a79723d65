// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// keep makes the connections and looks after the server, until ctx ends or the client was closed. One goroutine runs it.
func (n *node) keep(ctx context.Context) {
	for soon := n.soon(); ; {
		if err := n.look(ctx); errors.Is(err, redis.ErrClosed) || ctx.Err() != nil {
			return
		}
		if !n.isOpen() {
			soon = n.soon()
			n.await(ctx, n.interval, soon)
			continue
		}
		n.await(ctx, soon, soon)
		soon = min(2*soon, n.interval)
	}
}

// soon is when a server that has just ceased to answer is looked at again. Mostly it was not to blame, but a machine that had too much
// to do for a moment. If it does not answer then, it has twice as long the next time, until that is an interval.
func (n *node) soon() time.Duration { return n.interval / 16 }

// await returns when it is time to look again: after a while, and soon after the breaker has opened meanwhile. Until then it puts new
// connections in the place of broken ones, but not for ever: a server that ends one after the other is not to be flooded.
func (n *node) await(ctx context.Context, while, soon time.Duration) {
	look := time.NewTimer(while)
	defer look.Stop()
	open := n.isOpen()
	for replaced := 0; ; replaced++ {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			return
		case conn := <-n.broken:
			_ = conn.Close()
			switch {
			case n.isOpen() && !open:
				open = true
				look.Reset(soon)
			case !n.isOpen() && replaced < connections:
				_ = n.stock(ctx)
			}
		}
	}
}

// look asks the server once. While the breaker is open it does so on a new connection: the old ones may lead to a server
// that is no more. It returns why no connection could be made.
func (n *node) look(ctx context.Context) error {
	n.hangUp(n.broken)
	if n.isOpen() {
		n.live.Add(int32(-n.hangUp(n.ready)))
		if err := n.add(ctx); err != nil {
			return err
		}
	}
	n.probe(ctx)
	if n.isOpen() {
		return nil
	}
	return n.stock(ctx)
}

// hangUp closes what is in a channel.
func (n *node) hangUp(conns chan *redis.Conn) (closed int) {
	for {
		select {
		case conn := <-conns:
			_ = conn.Close()
			closed++
		default:
			return closed
		}
	}
}

// probe asks the server what a Get would, in the time that a Get has, on the connection that was idle longest. Are all in
// use, those who use them will see for themselves.
func (n *node) probe(ctx context.Context) {
	select {
	case conn := <-n.ready:
		ctx, cancel := context.WithTimeout(ctx, n.budget)
		defer cancel()
		err := ask(ctx, conn)
		n.give(conn, err)
		n.judge(err)
	default:
	}
}

// stock makes connections until there are enough, or one cannot be made.
func (n *node) stock(ctx context.Context) error {
	for ctx.Err() == nil && n.room() {
		if err := n.add(ctx); err != nil {
			return err
		}
	}
	return nil
}

// room reports whether there may be one more. Broken ones count until they are closed; see give.
func (n *node) room() bool { return int(n.live.Load())+len(n.broken) < connections }

// add makes one more connection, if there is room for it.
func (n *node) add(ctx context.Context) error {
	if !n.room() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.dialling)
	defer cancel()
	conn := n.client.EphemeralConn()
	if err := ask(ctx, conn); !answers(err) {
		_ = conn.Close()
		if n.live.Load() == 0 {
			n.trip(err)
		}
		return err
	}
	n.live.Add(1)
	n.ready <- conn
	return nil
}

// ask asks for an entry that nobody puts. The first question on a connection makes it.
func ask(ctx context.Context, conn *redis.Conn) error { return conn.Get(ctx, prefix+"probe").Err() }
