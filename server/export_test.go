// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"time"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
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

// StopHealth is the first thing that Drain does.
func (s *Server) StopHealth() { s.health.stop() }

// OutcomeOf is what the observer is told of a change that ended with err.
var OutcomeOf = outcomeOf

// BePatient sets how long streams wait for clients that take no answers, and requests among many for theirs.
func BePatient(d time.Duration) { patience, maxWait = d, d }

// Door returns what each call for a decision goes through once it has been read: one for a request by itself, and one for a request
// among many.
func Door(a *authz.Authorizer, o Observer) (one func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error),
	ofMany func(context.Context, *authzv1.AuthorizeRequest) *authzv1.AuthorizeResult) {
	d := &decider{authorizer: a, guard: guard{log: slog.New(slog.DiscardHandler), failed: new(throttle), observer: o}, started: time.Now()}
	one = func(ctx context.Context, in *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		return d.decide(ctx, in, false, nil)
	}
	return one, func(ctx context.Context, in *authzv1.AuthorizeRequest) *authzv1.AuthorizeResult {
		r := new(result)
		d.decideOne(ctx, batchMethod, in, true, r)
		return &r.message
	}
}
