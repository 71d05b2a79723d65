// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// streamed is a stream on each connection, which callers share: each waits for the answer that bears its id.
var streamed = form{"stream", func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
	var all []caller
	for i, conn := range c.gateway {
		l, err := openLine(ctx, conn)
		if err != nil {
			return nil, err
		}
		for n := i; n < callers; n += len(c.gateway) {
			all = append(all, l.caller(c, q.from(n, callers)))
		}
		go l.receive()
	}
	return all, nil
}}

// A line is a stream that callers share.
type line struct {
	stream  grpc.BidiStreamingClient[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]
	sending sync.Mutex
	answers []chan *authzv1.AuthorizeResult // by id
	ended   chan struct{}                   // no more will come
	err     error                           // why; to be read after ended
}

func openLine(ctx context.Context, conn *grpc.ClientConn) (*line, error) {
	stream, err := authzv1.NewAuthorizationServiceClient(conn).AuthorizeStream(ctx)
	return &line{stream: stream, ended: make(chan struct{})}, err
}

// caller adds a caller to the line, before anything is received.
func (l *line) caller(c *contestant, place cursor) caller {
	mine := make(chan *authzv1.AuthorizeResult, 1)
	request := &authzv1.AuthorizeStreamRequest{Id: uint64(len(l.answers))}
	l.answers = append(l.answers, mine)
	return func(t *tally) error {
		question := place.next()
		request.Request = question.request
		asked := time.Now()
		l.sending.Lock()
		err := l.stream.Send(request)
		l.sending.Unlock()
		if err != nil {
			<-l.ended // which knows why
			return l.err
		}
		select {
		case answer := <-mine:
			t.note(asked, 1)
			return c.checkResult(question, answer)
		case <-l.ended:
			return l.err
		}
	}
}

// receive hands out answers until the stream ends.
func (l *line) receive() {
	defer close(l.ended)
	for {
		answer, err := l.stream.Recv()
		if err != nil {
			l.err = err
			return
		}
		l.answers[answer.GetId()] <- answer.GetResult()
	}
}

// checkResult looks at one of many answers.
func (c *contestant) checkResult(q *question, r *authzv1.AuthorizeResult) error {
	if e := r.GetError(); e != nil {
		return fmt.Errorf("%d, %s: %s", e.GetCode(), e.GetReason(), e.GetMessage())
	}
	return c.check(q, r.GetResponse())
}

// depth is how many questions a pipeline has under way.
const depth = 256

// pipelined is a stream for each caller, who has many questions under way.
var pipelined = form{fmt.Sprintf("stream, %d in flight", depth), func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
	var all []caller
	for i := range callers {
		l, err := openLine(ctx, c.gateway[i%len(c.gateway)])
		if err != nil {
			return nil, err
		}
		all = append(all, l.pipeline(c, q.from(i, callers)))
	}
	return all, nil
}}

// pipeline returns a caller who asks until enough is under way, and from then on one question for each answer.
func (l *line) pipeline(c *contestant, place cursor) caller {
	var underway [depth]struct {
		question *question
		asked    time.Time
	}
	request := new(authzv1.AuthorizeStreamRequest)
	ask := func(id uint64) error {
		underway[id].question, underway[id].asked = place.next(), time.Now()
		request.Id, request.Request = id, underway[id].question.request
		return l.stream.Send(request)
	}
	filled := uint64(0)
	return func(t *tally) error {
		if filled < depth {
			filled++
			t.last = time.Now()
			return ask(filled - 1)
		}
		answer, err := l.stream.Recv()
		if err != nil {
			return err
		}
		was := underway[answer.GetId()]
		t.note(was.asked, 1)
		return first(ask(answer.GetId()), c.checkResult(was.question, answer.GetResult()))
	}
}
