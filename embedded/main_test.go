// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	"aeroplane.run/authz/internal/testservers"
)

// dirVariable names a directory that this program, run once more, is to open and to say what came of it.
const dirVariable = "AEROPLANE_AUTHZ_TEST_EMBEDDED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		s, err := embedded.Open(context.Background(), embedded.Config{Dir: dir})
		if err == nil {
			err = s.Close()
		}
		fmt.Println(authz.KindOf(err), err)
		os.Exit(0)
	}
	goleak.VerifyTestMain(testservers.Runner{M: m})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var admin = authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test"}

// populate makes a project with a service, and a key that may write to it. It returns the key's id, and a request that reads the
// service.
func populate(t *testing.T, issuer *authz.Issuer, catalog *authz.Catalog) (id string, r authz.Request) {
	t.Helper()
	ctx := t.Context()
	must(catalog.PutProjects(ctx, admin, "projects", []authz.Project{{ID: "p-1", Slug: "one"}}))
	must(catalog.PutServices(ctx, admin, "services", []authz.Service{{ID: "s-1", ProjectID: "p-1"}}))
	made := must(issuer.Create(ctx, admin, authz.KeyRequest{Name: "k", Access: authz.Write, Forever: true,
		Projects: authz.ProjectScope{IDs: []string{"p-1"}}}))
	h := authz.CredentialHeaders{Authorization: []string{"Bearer " + made.Secret.Reveal()}}
	return made.Key.ID, authz.Request{Method: "GET", Target: "/api/services/s-1/overview", Credential: h.Credential()}
}

// A decider is what Open and Join return.
type decider interface {
	Authorize(context.Context, authz.Request) (authz.Decision, error)
	Ready(context.Context) error
	Close() error
}

// decision returns what is decided, once there is a lease: on a machine that is busy there may be none for a while.
func decision(t *testing.T, d decider, r authz.Request) (got authz.Decision) {
	t.Helper()
	until(t, "there is a decision", func() bool {
		var err error
		got, err = d.Authorize(t.Context(), r)
		return err == nil
	})
	return got
}

// allows checks that a request may pass, on the strength of the key, to the project.
func allows(t *testing.T, d decider, r authz.Request, key string) {
	t.Helper()
	if got := decision(t, d, r); !got.Allowed || got.KeyID != key || got.Grant.ProjectID != "p-1" {
		t.Fatalf("%+v", got)
	}
}

func denies(t *testing.T, d decider, r authz.Request, why authz.Reason) {
	t.Helper()
	if got := decision(t, d, r); got.Allowed || got.Reason != why {
		t.Fatalf("%+v, want %v", got, why)
	}
}

// allocatesNothing checks that of decisions for which all is in memory.
func allocatesNothing(t *testing.T, d decider, r authz.Request) {
	t.Helper()
	ctx := t.Context()
	if n := testing.AllocsPerRun(2000, func() {
		if got, err := d.Authorize(ctx, r); err != nil || !got.Allowed {
			t.Errorf("%+v, %v", got, err)
		}
	}); n != 0 {
		t.Errorf("a decision allocates %v times", n)
	}
}

// closed checks that nothing is decided any more, not even what asks for no fact.
func closed(t *testing.T, d decider, r authz.Request) {
	t.Helper()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, r := range []authz.Request{r, {Method: "GET", Target: "/api/health"}, {Method: "OPTIONS", Target: "/api/projects"}} {
		if got, err := d.Authorize(t.Context(), r); authz.KindOf(err) != authz.Unavailable || got.Allowed {
			t.Errorf("%s is decided after the end: %+v, %v", r.Target, got, err)
		}
	}
	if err := d.Ready(t.Context()); authz.KindOf(err) != authz.Unavailable {
		t.Errorf("ready after the end: %v", err)
	}
}

// until waits for what another process does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}
