// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

const (
	// maxWaiting bounds how many requests of one stream wait for something at a time. Further ones are not read.
	maxWaiting = 1000
	// maxWait bounds how long each waits.
	maxWait = 5 * time.Second
	// stalledFor is how long a stream may have an answer that its client does not take.
	stalledFor = 10 * time.Second
	// lookEvery is how often somebody looks whether it does.
	lookEvery = time.Second
	// lullFor bounds how long a stream that is to end goes on for those that wait.
	lullFor = time.Second
)

const streamMethod = authzv1.AuthorizationService_AuthorizeStream_FullMethodName

// AuthorizeStream answers requests in the order in which they come, as long as that can be done at once. One that has to wait is
// answered when it has waited.
func (s *authorizationService) AuthorizeStream(stream grpc.BidiStreamingServer[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]) error {
	c := &conversation{decider: &s.decider, stream: stream, free: make(chan struct{}, maxWaiting), over: make(chan struct{})}
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(s.ending) })
	err := c.hold()
	c.waiting.Wait()
	close(c.over)
	watching.Wait()
	if cause := context.Cause(stream.Context()); errors.As(cause, new(*authz.Error)) {
		return cause // why it was hung up on
	}
	return err
}

// A conversation is one stream.
type conversation struct {
	*decider
	stream grpc.BidiStreamingServer[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]

	sending sync.Mutex    // held to send
	stuck   atomic.Bool   // somebody sends
	sent    atomic.Uint64 // answers that were sent

	waiting sync.WaitGroup // requests that wait
	free    chan struct{}  // has one for each
	over    chan struct{}  // closed when all is said
}

// hold answers until the client has no more to ask.
func (c *conversation) hold() error {
	for {
		in, err := c.stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.hear(in); err != nil {
			return err
		}
	}
}

// hear answers one request, or has it answered later.
func (c *conversation) hear(in *authzv1.AuthorizeStreamRequest) error {
	ctx := c.stream.Context()
	if result, ok := c.answer(ctx, in, true); ok {
		return c.send(in.GetId(), result)
	}
	select {
	case c.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.waiting.Go(func() {
		defer func() { <-c.free }()
		ctx, cancel := context.WithTimeout(ctx, maxWait)
		defer cancel()
		result, _ := c.answer(ctx, in, false)
		_ = c.send(in.GetId(), result) // it fails only if the stream has ended, which who reads from it notices
	})
	return nil
}

func (c *conversation) answer(ctx context.Context, in *authzv1.AuthorizeStreamRequest, atOnce bool) (*authzv1.AuthorizeResult, bool) {
	if err := refuseUnknownOf(in.ProtoReflect(), ""); err != nil {
		return c.undecided(ctx, streamMethod, err), true
	}
	if in.GetRequest() == nil {
		return c.undecided(ctx, streamMethod, invalid("request", "must be set")), true
	}
	return c.result(ctx, streamMethod, in.GetRequest(), atOnce)
}

// send sends an answer. It blocks while the client does not take what was sent before.
func (c *conversation) send(id uint64, result *authzv1.AuthorizeResult) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.stuck.Store(true)
	err := c.stream.Send(&authzv1.AuthorizeStreamResponse{Id: id, Result: result})
	c.stuck.Store(false)
	c.sent.Add(1)
	return err
}

// watch hangs up on a client that takes no answers, and on every client when streams are to end: first those that wait are answered.
func (c *conversation) watch(ending <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var seen uint64
	var stalled time.Duration
	for {
		select {
		case <-c.over:
			return
		case <-ending:
			c.lull()
			hangUp(c.stream.Context(), &authz.Error{Kind: authz.Unavailable, Message: "this replica shuts down; ask another"})
			return
		case <-tick.C:
		}
		stalled += lookEvery
		if sent := c.sent.Load(); !c.stuck.Load() || sent != seen {
			seen, stalled = sent, 0
		}
		if stalled >= stalledFor {
			hangUp(c.stream.Context(), &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded,
				Message: "the answers are not taken; read them while you ask"})
			return
		}
	}
}

// lull waits until no request waits, or until waiting takes too long.
func (c *conversation) lull() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(lullFor); len(c.free) > 0 && time.Now().Before(until); {
		select {
		case <-tick.C:
		case <-c.over:
			return
		}
	}
}

type hangUpKey struct{}

// withHangUp returns a context for a stream that can be ended from outside the goroutine that reads from it: it is the one
// that gRPC takes for the stream's.
func withHangUp(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx) // which ends with its parent, when the stream does
	return context.WithValue(ctx, hangUpKey{}, cancel)
}

// hangUp ends a stream with an error.
func hangUp(ctx context.Context, why error) {
	if cancel, ok := ctx.Value(hangUpKey{}).(context.CancelCauseFunc); ok {
		cancel(why)
	}
}
