// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
)

const (
	pingInterval = time.Second
	pingTimeout  = 2 * time.Second
)

// A healthService is grpc.health.v1 for the server as a whole, named "", and for each of its services: they stand on
// one database, and serve or do not together.
type healthService struct {
	*health.Server
	names []string
	ping  func(context.Context) error
	log   *slog.Logger

	failing bool                   // what the last ping said; used by tell alone, which is never called twice at a time
	why     atomic.Pointer[string] // the last ping that failed did so, for people. Nil: none did, yet.

	draining context.Context // ends when the server drains
	drain    context.CancelFunc
}

func newHealth(ping func(context.Context) error, log *slog.Logger, services map[string]grpc.ServiceInfo) *healthService {
	if ping == nil {
		ping = func(context.Context) error { return nil }
	}
	h := &healthService{Server: health.NewServer(), names: []string{""}, ping: ping, log: log}
	h.draining, h.drain = context.WithCancel(context.Background())
	for name := range services {
		h.names = append(h.names, name)
	}
	h.set(healthpb.HealthCheckResponse_NOT_SERVING) // until the database has answered
	return h
}

func (h *healthService) set(s healthpb.HealthCheckResponse_ServingStatus) {
	for _, name := range h.names {
		h.SetServingStatus(name, s)
	}
}

// poll asks the database every interval, until ctx ends.
func (h *healthService) poll(ctx context.Context) {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.ask(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// ask asks the database once, and tells the world: after pingTimeout also where there is no answer yet. It returns when
// there is one, so that only one question is on its way.
func (h *healthService) ask(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- h.ping(bounded) }()
	select {
	case err := <-answer:
		h.tell(ctx, err)
	case <-bounded.Done(): // which a store may not heed at once: a statement that was sent is waited for
		h.tell(ctx, authz.Errorf(authz.Unavailable, "the database did not answer in time").Because(bounded.Err()))
		<-answer
	}
}

// tell makes the outcome of a ping known.
func (h *healthService) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // the server ended, which says nothing of the database
	}
	switch {
	case err != nil && !h.failing:
		h.log.Error("not serving", "error", err)
	case err == nil && h.failing:
		h.log.Info("serving again")
	}
	h.failing = err != nil
	if h.failing {
		why := statusOf(err).Message()
		h.why.Store(&why)
		h.set(healthpb.HealthCheckResponse_NOT_SERVING)
		return
	}
	h.set(healthpb.HealthCheckResponse_SERVING)
}

// ready returns nil where Check answers SERVING for the server as a whole, and otherwise why it does not. The error is one
// line that is safe to show.
func (h *healthService) ready() error {
	out, err := h.Check(context.Background(), new(healthpb.HealthCheckRequest))
	why := h.why.Load()
	switch {
	case h.draining.Err() != nil:
		return errors.New("the server is shutting down")
	case err == nil && out.GetStatus() == healthpb.HealthCheckResponse_SERVING:
		return nil
	case why == nil:
		return errors.New("the server is starting")
	}
	return errors.New(*why)
}

// stop reports NOT_SERVING from now on, and ends every Watch: they would go on for as long as their clients like, and
// so would the draining.
func (h *healthService) stop() {
	h.Shutdown()
	h.drain()
}

// Watch implements grpc.health.v1. The last thing that it says is NOT_SERVING.
func (h *healthService) Watch(in *healthpb.HealthCheckRequest, s healthpb.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	defer context.AfterFunc(h.draining, cancel)()
	err := h.Server.Watch(in, &endingWatch{s, ctx})
	if h.draining.Err() == nil {
		return err
	}
	if err := s.Send(&healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_NOT_SERVING}); err != nil {
		return err
	}
	return status.Error(codes.Unavailable, "the server is shutting down")
}

// An endingWatch is a stream with a context of its own.
type endingWatch struct {
	healthpb.Health_WatchServer
	ctx context.Context
}

func (w *endingWatch) Context() context.Context { return w.ctx }
