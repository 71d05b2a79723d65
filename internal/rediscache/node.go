// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errOpen   = errors.New("the server did not answer lately")
	errNobody = errors.New("there is no connection to a server")
	errUnfit  = errors.New("the record is too large, or has a time that no store returns")
	errFull   = errors.New("the server took nothing lately")
)

// connections is how many there are to one server.
const connections = 16

// A node is one Redis server, and the connections to it. They are made beforehand, greeting, password and all, by a
// goroutine of the node's own: go-redis, left to itself, dials when a command finds no connection, and greets when the
// first command uses one, and the command waits. Here a command takes a connection that is ready, or does without.
//
// A connection that did not bring a whole reply is not used again. Whatever it still has to say is said to nobody, so a
// reply that comes late is never taken for the next one's.
type node struct {
	timing
	breaker
	client *redis.Client
	moved  func() // is told that the server sent us elsewhere

	live   atomic.Int32     // connections that are good, in use or not
	ready  chan *redis.Conn // those that nobody uses
	broken chan *redis.Conn // those to be closed, which may take a while

	fullUntil atomic.Int64 // no change is asked for before, in Unix nanoseconds
}

func newNode(client *redis.Client, address string, t timing, log *slog.Logger, opened *atomic.Uint64, moved func()) *node {
	n := &node{timing: t, client: client, moved: moved,
		ready: make(chan *redis.Conn, connections), broken: make(chan *redis.Conn, connections)}
	n.breaker.init(address, client.Options().Password, log, opened)
	return n
}

// get returns the entry of a name. It returns when ctx ends, and at once where there is nobody to ask.
func (n *node) get(ctx context.Context, name string) ([]byte, error) {
	if n.isOpen() {
		return nil, errOpen
	}
	conn, err := n.take(ctx)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if left < n.least {
		n.ready <- conn
		return nil, context.DeadlineExceeded
	}
	entry, err := conn.Get(ctx, name).Bytes()
	n.give(conn, err)
	if n.telling(err, left, time.Since(deadline)) {
		n.judge(err)
	}
	return entry, err
}

// telling reports whether the outcome of a Get that had so much time left, and ended so late, says something of the server: not
// if somebody was in too much of a hurry, or this process stood still meanwhile and so looked at the clock before the reply.
func (n *node) telling(err error, left, late time.Duration) bool {
	return !isTimeout(err) || left >= n.budget*3/4 && late <= n.budget
}

// write runs a command that changes something. A server that refuses, because it is full, say, or a replica, is spared
// for a moment: it can still be read from, and is not to be kept from that.
func (n *node) write(ctx context.Context, command func(context.Context, *redis.Conn) error) error {
	switch {
	case n.isOpen():
		return errOpen
	case time.Now().UnixNano() < n.fullUntil.Load():
		return errFull
	}
	ctx, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	conn, err := n.take(ctx)
	if err != nil {
		return err
	}
	err = command(ctx, conn)
	n.give(conn, err)
	switch {
	case movedOn(err):
		n.moved()
	case isReply(err):
		n.fullUntil.Store(time.Now().Add(n.interval).UnixNano())
	}
	return err
}

// take returns a connection, or waits for one if all are in use. Where there is none, it does not wait for one to be made.
func (n *node) take(ctx context.Context) (*redis.Conn, error) {
	select {
	case conn := <-n.ready:
		return conn, nil
	default:
	}
	if n.live.Load() == 0 {
		return nil, errNobody
	}
	select {
	case conn := <-n.ready:
		return conn, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give puts a connection back after a command that ended with err, if it is still good. It never blocks: there is room for
// as many as there are.
func (n *node) give(conn *redis.Conn, err error) {
	readOnly := redis.IsReadOnlyError(err) // after which go-redis refuses to use it
	if err == nil || isReply(err) && !readOnly {
		n.ready <- conn
		return
	}
	n.broken <- conn
	n.live.Add(-1)
}

// judge notes what the outcome of a command says of the server.
func (n *node) judge(err error) {
	switch {
	case !answers(err):
		n.failed(err)
	case movedOn(err):
		n.moved()
		fallthrough
	default:
		n.answered()
	}
}

// answers reports whether the outcome of a command is an answer.
func answers(err error) bool { return err == nil || errors.Is(err, redis.Nil) || movedOn(err) }

// isReply reports whether an error is the server's own, which came as a whole reply.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// movedOn reports whether a server said that another has what it was asked for.
func movedOn(err error) bool {
	_, moved := redis.IsMovedError(err)
	_, ask := redis.IsAskError(err)
	return moved || ask
}
