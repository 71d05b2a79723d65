// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// A tally writes down what a server tells its observer.
type tally struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (y *tally) add(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.lines = append(y.lines, fmt.Sprintf(format, args...))
}

func (y *tally) Decided(reason authz.Reason, took time.Duration) {
	if took <= 0 {
		y.add("a decision took %v", took)
	}
	y.add("decided %d", reason)
}

func (y *tally) Undecided(reason string) { y.add("undecided %s", reason) }

func (y *tally) Changed(method, outcome string) { y.add("%s %s", method, outcome) }

// take returns what was told since it was last asked.
func (y *tally) take() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	defer func() { y.lines = nil }()
	return y.lines
}

// TestObserver makes one call after the other. Each that is for a decision or a change is told of, once, by its end.
func TestObserver(t *testing.T) {
	t.Parallel()
	var told tally
	store := &faulty{Store: openStore(t)}
	s := start(t, servertest.Options{Store: store, Observer: &told})
	key := s.createKey(t)
	want := func(lines ...string) {
		t.Helper()
		if diff := cmp.Diff(lines, told.take()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
	want("CreateKey ok")
	authorize := func(in *authzv1.AuthorizeRequest, code codes.Code) {
		t.Helper()
		_, err := s.authorize.Authorize(t.Context(), in)
		wantCode(t, err, code)
	}

	authorize(withKey(key.GetSecret()), codes.OK)
	want("decided 0")
	authorize(withKey("ap_unknown"), codes.OK)
	want(fmt.Sprint("decided ", int(authz.InvalidKey)))
	authorize(&authzv1.AuthorizeRequest{Method: "get", Path: "/api/health"}, codes.OK)
	want(fmt.Sprint("decided ", int(authz.MethodNotAllowed)))
	authorize(&authzv1.AuthorizeRequest{Method: "GET", Path: "/" + strings.Repeat("x", 70<<10)}, codes.InvalidArgument)
	want("undecided INVALID_FIELD")
	_, err := authzv1.NewAuthorizationServiceClient(s.Dial(t, "")).Authorize(t.Context(), withKey(key.GetSecret()))
	wantCode(t, err, codes.Unauthenticated)
	want("undecided UNAUTHENTICATED")

	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{&authz.Error{Kind: authz.Unavailable, Code: authz.CodeLease}, codes.Unavailable, "LEASE"},
		{context.DeadlineExceeded, codes.Unavailable, "UNAVAILABLE"},
		{errors.New("a fault of ours"), codes.Internal, "INTERNAL"},
	} {
		store.lookup = func(context.Context, authz.Query) (authz.Facts, error) { return authz.Facts{}, c.err }
		authorize(withKey(key.GetSecret()), c.code)
		want("undecided " + c.reason)
	}
	store.lookup = func(context.Context, authz.Query) (authz.Facts, error) { panic("in the middle") }
	authorize(withKey(key.GetSecret()), codes.Internal)
	want("undecided INTERNAL")

	revoke := &authzv1.RevokeKeyRequest{Id: key.GetKey().GetId()}
	_, err = s.keys.RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: "AAAAAAAAAAAAAAAA"})
	wantCode(t, err, codes.NotFound)
	_, err = s.keys.RevokeKey(metadata.AppendToOutgoingContext(t.Context(), "aeroplane-acting-user", "a b"), revoke)
	wantCode(t, err, codes.InvalidArgument)
	_, err = authzv1.NewKeyServiceClient(s.Gateway).RevokeKey(t.Context(), revoke)
	wantCode(t, err, codes.PermissionDenied)
	_, err = s.keys.RevokeKey(t.Context(), revoke)
	wantCode(t, err, codes.OK)
	want("RevokeKey not_found", "RevokeKey invalid_argument", "RevokeKey permission_denied", "RevokeKey ok")

	// Reads, and what is not ours, nobody counts.
	_, err = s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: key.GetKey().GetId()})
	wantCode(t, err, codes.OK)
	_, err = healthpb.NewHealthClient(s.Gateway).Check(t.Context(), new(healthpb.HealthCheckRequest))
	wantCode(t, err, codes.OK)
	wantCode(t, s.Gateway.Invoke(t.Context(), "/aeroplane.authz.v1.KeyService/Nothing", revoke, revoke), codes.Unimplemented)
	want()
}

// TestOutcomes says which errors of a change leave it open whether it was made, and that no outcome is off the list.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "ok"},
		{&authz.Error{Kind: authz.Unavailable, Code: authz.CodeOutcomeUnknown}, "outcome_unknown"},
		{context.Canceled, "outcome_unknown"},
		{&authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable}, "unavailable"},
		{&authz.Error{Kind: authz.AlreadyExists, Code: authz.CodeSlugTaken}, "already_exists"},
		{errors.New("a fault of ours"), "internal"},
		{&authz.Error{Kind: 200}, "internal"},
	} {
		if got := server.OutcomeOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	for _, kind := range authz.Kinds() {
		for _, code := range []string{"", authz.CodeOutcomeUnknown, authz.CodeStoreUnavailable} {
			if got := server.OutcomeOf(&authz.Error{Kind: kind, Code: code}); !slices.Contains(server.Outcomes(), got) {
				t.Errorf("kind %d, code %q: %s is not among the outcomes", kind, code, got)
			}
		}
	}
}

// TestReady holds what Ready says against what health says.
func TestReady(t *testing.T) {
	t.Parallel()
	var broken atomic.Pointer[error]
	s := start(t, servertest.Options{Ping: func(context.Context) error {
		if err := broken.Load(); err != nil {
			return *err
		}
		return nil
	}})
	want := func(text string) {
		t.Helper()
		if err := s.Server.Ready(); err == nil && text != "" || err != nil && err.Error() != text {
			t.Errorf("ready: %v, want %q", err, text)
		}
	}
	watch := watchHealth(t, healthpb.NewHealthClient(s.Gateway))
	expect(t, watch, serving)
	want("")

	lapsed := error(&authz.Error{Kind: authz.Unavailable, Message: "no lease"})
	hidden := errors.New("pq: password hunter2")
	for _, c := range []struct {
		err  error
		want string
	}{{fmt.Errorf("ping: %w", lapsed), "no lease"}, {hidden, "internal error"}} {
		broken.Store(&c.err)
		expect(t, watch, notServing)
		want(c.want)
		broken.Store(nil)
		expect(t, watch, serving)
		want("")
	}
	s.Server.StopHealth()
	want("the server is shutting down")

	fresh := server.New(server.Config{Authorizer: new(authz.Authorizer)})
	defer fresh.Drain(t.Context())
	if err := fresh.Ready(); err == nil || err.Error() != "the server is starting" {
		t.Errorf("before it serves: %v", err)
	}
}
