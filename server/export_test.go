// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"aeroplane.run/authz"
)

// Registered returns the full name of every method that can be called, and whether it is a stream.
func (s *Server) Registered() map[string]bool {
	streams := make(map[string]bool)
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			streams["/"+service+"/"+m.Name] = m.IsClientStream || m.IsServerStream
		}
	}
	return streams
}

// Rows returns the full name of every method that the table of access names.
func Rows() (rows []string) {
	for method := range methods {
		rows = append(rows, method)
	}
	return rows
}

// PageCalls returns the full name of every method that can be called by a cookie, in order.
func PageCalls() []string { return slices.Sorted(maps.Keys(pageCalls)) }

// StopHealth is the first thing that Drain does.
func (s *Server) StopHealth() { s.health.stop() }

// OutcomeOf is what the observer is told of a change that ended with err.
var OutcomeOf = outcomeOf

// BePatient sets how long streams wait for clients that take no answers, requests among many for theirs, and the HTTP server for headers.
func BePatient(d time.Duration) { patience, maxWait, httpArrival = d, d, d }

// BoundSyncs sets how many things a sync may hold, and how long whoever sends it may be silent.
func BoundSyncs(things int64, silence time.Duration) { maxSync, syncSilence = things, silence }

// Door returns what each call for a decision goes through, from the bytes of its question to those of its answer: one for a request
// by itself, and one for a request among many of a stream.
func Door(a *authz.Authorizer, o Observer) (one, ofMany func(mem.BufferSlice) (mem.BufferSlice, error)) {
	s := newAuthorizationService(a, &guard{log: slog.New(slog.DiscardHandler), failed: new(throttle), observer: o})
	c := newCodec()
	ctx := context.Background()
	one = func(data mem.BufferSlice) (mem.BufferSlice, error) {
		q := singles.Get().(*single)
		defer q.release()
		if err := c.Unmarshal(data, q); err != nil {
			return nil, err
		}
		a, err := s.authorize(ctx, q)
		if err != nil {
			return nil, err
		}
		return c.Marshal(a)
	}
	n := new(numbered)
	return one, func(data mem.BufferSlice) (mem.BufferSlice, error) {
		var r result
		if err := c.Unmarshal(data, n); err != nil {
			return nil, err
		}
		s.decideOne(ctx, streamMethod, &n.question, true, &r)
		return c.Marshal(newStreamAnswer(n.id, &r))
	}
}

// CheckDoor returns what a Check goes through, from the bytes of its question to those of its answer.
func CheckDoor(a *authz.Authorizer, o Observer) func(mem.BufferSlice) (mem.BufferSlice, error) {
	s := &extAuthzService{decider: newDecider(a, &guard{log: slog.New(slog.DiscardHandler), failed: new(throttle), observer: o})}
	codec := newCodec()
	stream := &onlyMessage{codec: codec, ctx: context.Background()}
	return func(data mem.BufferSlice) (mem.BufferSlice, error) {
		stream.data = data
		c := checks.Get().(*check)
		defer c.release()
		return codec.Marshal(s.check(stream, c))
	}
}

// An onlyMessage is a stream of one message.
type onlyMessage struct {
	grpc.ServerStream
	codec codec
	ctx   context.Context
	data  mem.BufferSlice
}

func (m *onlyMessage) Context() context.Context { return m.ctx }

func (m *onlyMessage) RecvMsg(into any) error { return m.codec.Unmarshal(m.data, into) }

// ParseKeyRequest reads the body of the dashboard's POST.
var ParseKeyRequest = parseKeyRequest

// FaultsInBody returns what is at fault in the body of a call, which is an object in JSON.
func FaultsInBody(call string, body []byte) []authz.Violation {
	message, _ := requestOf(call)
	var found faults
	found.inObject("", message, body)
	return found
}
