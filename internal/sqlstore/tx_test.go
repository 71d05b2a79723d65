// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlite"
)

// A panic goes on to whoever recovers from it, and leaves a store that works: there is only one connection to lose.
func TestAPanicInsideATransaction(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	change := authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test"}, At: time.Unix(0, 0)}
	recovered := make(chan any)
	go func() {
		defer func() { recovered <- recover() }()
		_ = store.Change(t.Context(), change, func() { panic("inside") })
	}()
	select {
	case got := <-recovered:
		if got != "inside" {
			t.Errorf("recovered %v", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("the panic does not go on") // and the store cannot be closed
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := store.PutProjects(t.Context(), change, []authz.Project{{ID: "p", Slug: "p"}}); err != nil || n.N != 1 {
		t.Errorf("%d, %v", n.N, err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
