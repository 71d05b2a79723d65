// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"aeroplane.run/authz"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

var serviceNames = []string{
	"aeroplane.authz.v1.AuthorizationService", "aeroplane.authz.v1.KeyService", "aeroplane.authz.v1.CatalogService",
	"aeroplane.authz.v1.SessionService", "aeroplane.authz.v1.AuditService", "aeroplane.authz.v1.ExplanationService",
}

func TestHealthNeedsNoToken(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	client := healthpb.NewHealthClient(s.Dial(t, ""))
	for _, name := range append([]string{""}, serviceNames...) {
		got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != serving {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	_, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nobody"})
	wantCode(t, err, codes.NotFound)
}

// A database that neither answers nor refuses, and a store that does not give up on it, are no reason to go on saying
// that all is well.
func TestHealthTurnsWhileThePingHangs(t *testing.T) {
	t.Parallel()
	var hanging atomic.Bool
	release := make(chan struct{})
	s := start(t, servertest.Options{Ping: func(context.Context) error {
		if hanging.Load() {
			<-release
		}
		return nil
	}})
	watch := watchHealth(t, healthpb.NewHealthClient(s.Gateway))
	expect(t, watch, serving)
	hanging.Store(true)
	expect(t, watch, notServing)
	hanging.Store(false)
	close(release)
	expect(t, watch, serving)
}

func TestHealthFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	var broken, unbounded atomic.Bool
	var logged servertest.Logbook
	s := start(t, servertest.Options{Log: logged.Logger(), Ping: func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			unbounded.Store(true)
		}
		if broken.Load() {
			return errors.New("connection refused")
		}
		return nil
	}})
	client := healthpb.NewHealthClient(s.Gateway)
	watch := watchHealth(t, client)
	expect(t, watch, serving)
	broken.Store(true)
	expect(t, watch, notServing)
	for _, name := range serviceNames {
		got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != notServing {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	broken.Store(false)
	expect(t, watch, serving)
	if unbounded.Load() {
		t.Error("a ping may take for ever")
	}
	for _, want := range []string{"not serving", "connection refused", "serving again"} {
		if strings.Count(logged.String(), want) != 1 {
			t.Errorf("%q is not logged once: %s", want, logged.String())
		}
	}
}

func TestAServerWithoutDatabaseStartsNotServing(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{Ping: func(context.Context) error { return errors.New("down") }})
	got, err := healthpb.NewHealthClient(s.Dial(t, "")).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || got.GetStatus() != notServing {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestReflectionNeedsAToken(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	list := func(client reflectionpb.ServerReflectionClient) (*reflectionpb.ServerReflectionResponse, error) {
		stream, err := client.ServerReflectionInfo(t.Context())
		if err != nil {
			return nil, err
		}
		_ = stream.Send(&reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
		})
		_ = stream.CloseSend()
		return stream.Recv()
	}
	_, err := list(reflectionpb.NewServerReflectionClient(s.Dial(t, "")))
	wantCode(t, err, codes.Unauthenticated)
	got, err := list(reflectionpb.NewServerReflectionClient(s.Gateway))
	wantCode(t, err, codes.OK)
	for _, name := range serviceNames {
		if !strings.Contains(got.String(), name) {
			t.Errorf("%s is not listed: %v", name, got)
		}
	}
}

func TestDrainLetsRunningCallsFinish(t *testing.T) {
	t.Parallel()
	store, arrived, release := waiting(t)
	s := start(t, servertest.Options{Store: store})
	key := s.createKey(t).GetSecret()
	watch := watchHealth(t, healthpb.NewHealthClient(s.Gateway))
	expect(t, watch, serving)

	answered := make(chan error, 1)
	go func() {
		_, err := s.authorize.Authorize(t.Context(), withKey(key))
		answered <- err
	}()
	<-arrived
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.Server.Drain(context.Background())
	}()
	expect(t, watch, notServing)
	for err := error(nil); err == nil; { // further messages may say the same
		_, err = watch.Recv()
		if err != nil {
			wantCode(t, err, codes.Unavailable)
		}
	}
	select {
	case <-drained:
		t.Error("the server did not wait for a call that was running")
	default:
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the call that was running: %v", err)
	}
	<-drained
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}

// Whoever closes the stores waits for Serve or for Drain: when either returns, no call uses them any more.
func TestDrainCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	var finished atomic.Bool
	store := &faulty{Store: openStore(t)}
	store.lookup = notAtOnce(func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		close(arrived)
		<-ctx.Done()
		for range 5000 { // work that nobody waits for but the server
			if _, err := authz.FactsFrom(context.WithoutCancel(ctx), store.Store, q); err != nil {
				return authz.Facts{}, err
			}
		}
		finished.Store(true)
		return authz.Facts{}, ctx.Err()
	})
	s := start(t, servertest.Options{Store: store})
	key := s.createKey(t).GetSecret()
	answered, whenServed := make(chan error, 1), make(chan bool, 1)
	go func() {
		_, err := s.authorize.Authorize(t.Context(), withKey(key))
		answered <- err
	}()
	go func() {
		<-s.Served
		whenServed <- finished.Load()
	}()
	<-arrived
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	s.Server.Drain(ended)
	if !finished.Load() {
		t.Error("Drain returned while a call still used the store")
	}
	if !<-whenServed {
		t.Error("Serve returned while a call still used the store")
	}
	wantCode(t, <-answered, codes.Unavailable)
}

func TestNotServingWhileDraining(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	client := healthpb.NewHealthClient(s.Gateway)
	watch := watchHealth(t, client)
	expect(t, watch, serving)
	s.Server.StopHealth()
	expect(t, watch, notServing)
	for _, name := range append([]string{""}, serviceNames...) {
		got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != notServing {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

func TestServeAfterDrain(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	s.Drain(t.Context())
	if err := s.Serve(l); err != nil {
		t.Errorf("serve: %v", err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener is still open")
	}
}

func watchHealth(t *testing.T, client healthpb.HealthClient) healthpb.Health_WatchClient {
	t.Helper()
	watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: serviceNames[0]})
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

func expect(t *testing.T, watch healthpb.Health_WatchClient, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	got, err := watch.Recv()
	if err != nil || got.GetStatus() != want {
		t.Fatalf("got %v, %v, want %s", got, err, want)
	}
}
