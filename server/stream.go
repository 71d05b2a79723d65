// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz"
)

const (
	// maxWaiting bounds how many requests of one stream wait for something at a time. Further ones are not read.
	maxWaiting = 1000
	// lullFor bounds how long a stream that is to end goes on for those that wait.
	lullFor = time.Second
)

// patience is how long a stream may have an answer that its client does not take. A variable, for tests.
var patience = 10 * time.Second

// maxWait bounds how long a request among many waits. A variable, for tests.
var maxWait = 5 * time.Second

// handleStream answers questions in the order in which they come, as long as that can be done at once. One that has to wait is
// answered when it has waited.
func (s *authorizationService) handleStream(_ any, stream grpc.ServerStream) error {
	c := &conversation{decider: &s.decider, stream: stream, slots: make(chan struct{}, maxWaiting)}
	over := make(chan error, 1)
	s.conversations.running.Go(func() { over <- c.hold() })
	return c.watch(over, s.conversations.ending.Done())
}

// conversations are all that there are. One may run on for a moment when its call has ended: that it has ended is what makes
// gRPC let go of whoever receives or sends.
type conversations struct {
	running sync.WaitGroup
	ending  context.Context // ends when they are to end
	end     context.CancelFunc
}

// A conversation is one stream.
type conversation struct {
	*decider
	stream grpc.ServerStream

	sending sync.Mutex    // held to send
	busy    atomic.Bool   // somebody sends
	sent    atomic.Uint64 // answers that were sent

	waiting sync.WaitGroup // requests that wait
	slots   chan struct{}  // taken by them
}

// hold answers until the client has no more to ask, or the call ends.
func (c *conversation) hold() (err error) {
	defer c.waiting.Wait()
	defer func() { err = c.guard.contain(streamMethod, recover(), err) }()
	n := new(numbered)
	for {
		err := c.stream.RecvMsg(n)
		switch {
		case err == io.EOF:
			return nil
		case c.stream.Context().Err() != nil:
			return c.stream.Context().Err()
		case err != nil:
			return err
		}
		if n, err = c.hear(n); err != nil {
			return err
		}
	}
}

// hear answers a question, or has it answered later. It returns what the next may be read into.
func (c *conversation) hear(n *numbered) (next *numbered, err error) {
	ctx := c.stream.Context()
	var r result
	if c.decideOne(ctx, streamMethod, &n.question, true, &r) {
		return n, c.send(newStreamAnswer(n.id, &r))
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.waiting.Go(func() { c.answerLater(ctx, n) })
	return new(numbered), nil
}

func (c *conversation) answerLater(ctx context.Context, n *numbered) {
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	var r result
	c.decideOne(ctx, streamMethod, &n.question, false, &r)
	_ = c.send(newStreamAnswer(n.id, &r)) // it fails only if the call has ended, which who receives notices
}

// send sends an answer. It blocks while the client does not take what was sent before.
func (c *conversation) send(a *answer) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.busy.Store(true)
	err := c.stream.SendMsg(a)
	c.busy.Store(false)
	c.sent.Add(1)
	return err
}

// watch waits until the conversation is over, and returns how it ended. It hangs up on a client that takes no answers, and on
// every client when conversations are to end.
func (c *conversation) watch(over <-chan error, ending <-chan struct{}) error {
	const looks = 10
	tick := time.NewTicker(patience / looks)
	defer tick.Stop()
	var seen uint64
	var stalled int // looks without progress
	for {
		select {
		case err := <-over:
			return err
		case <-ending:
			return c.lull(over)
		case <-tick.C:
		}
		stalled++
		if sent := c.sent.Load(); !c.busy.Load() || sent != seen {
			seen, stalled = sent, 0
		}
		if stalled >= looks {
			return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded,
				Message: "the answers are not taken; read them while you ask"}
		}
	}
}

// lull waits until no request waits, or that takes too long.
func (c *conversation) lull(over <-chan error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(lullFor); len(c.slots) > 0 && time.Now().Before(until); {
		select {
		case err := <-over:
			return err
		case <-tick.C:
		}
	}
	return statusOf(authz.Errorf(authz.Unavailable, "this replica shuts down; ask another")).Err()
}
