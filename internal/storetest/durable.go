// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A snapshot is all that the lists of a store show.
type snapshot struct {
	Keys        []authz.Key
	Projects    []authz.Project
	Services    []authz.Service
	Deployments []authz.Deployment
	Events      []authz.Event
}

func (f *fixture) snapshot(t testing.TB) (s snapshot) {
	t.Helper()
	ctx := t.Context()
	var err error
	s.Keys, err = f.Keys(ctx, anyKey, everything)
	must(t, s, err)
	s.Projects, err = f.Projects(ctx, authz.ProjectFilter{}, everything)
	must(t, s, err)
	s.Services, err = f.Services(ctx, "", everything)
	must(t, s, err)
	s.Deployments, err = f.Deployments(ctx, "", everything)
	must(t, s, err)
	s.Events, err = f.Events(ctx, authz.EventFilter{}, everything)
	return must(t, s, err)
}

// furnish makes one of everything.
func (f *fixture) furnish(t testing.TB) {
	t.Helper()
	f.projects(t, project("p", "ada"), project("q", ""))
	f.services(t, authz.Service{ID: "s", ProjectID: "p"}, authz.Service{ID: "dangling", ProjectID: "unknown"})
	f.deployments(t, authz.Deployment{ID: "d", ServiceID: "s"})
	f.create(t, requested("k", "request", "this"), newKey("selected", "ada", "p"), newKey("revoked", "ada"))
	_, err := f.RevokeKey(t.Context(), at(time.Second), "revoked")
	must(t, 0, err)
	f.session(t, session("good", "ada", authz.UserRoleOwner), session("revoked", "ada", authz.UserRoleUser))
	_, err = f.RevokeSession(t.Context(), at(time.Second), digest("revoked"))
	must(t, 0, err)
	must(t, 0, f.RecordUse(t.Context(), []authz.KeyUse{{KeyID: "k", At: noon.Add(time.Minute)}}))
}

func restart(t *testing.T, f *fixture) {
	f.furnish(t)
	before := f.snapshot(t)
	sessions := []*authz.Session{f.sessionOf(t, "good"), f.sessionOf(t, "revoked")}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f.Store = open(t, f.db)
		same(t, "after a restart", f.snapshot(t), before)
		same(t, "sessions", []*authz.Session{f.sessionOf(t, "good"), f.sessionOf(t, "revoked")}, sessions)
	}
	made, err := f.CreateKey(t.Context(), at(time.Minute), requested("again", "request", "this"))
	same(t, "a request id from before", must(t, made, err).Replayed, true)
	_, err = f.PutSession(t.Context(), at(0), session("revoked", "ada", authz.UserRoleUser))
	refused(t, "a session revoked before", err, authz.FailedPrecondition)
	events := f.recorded(t, func() { f.projects(t, project("new", "")) })
	same(t, "records go on", len(events), 1)
}

// twoStores makes changes through one store and reads them through another, at once.
func twoStores(t *testing.T, f *fixture) {
	if !f.db.Shared() {
		t.Skip("one store at a time")
	}
	f.furnish(t)
	other := newFixture(t, f.db)
	same(t, "what there is", other.snapshot(t), f.snapshot(t))
	ctx := t.Context()
	key := authz.Query{Kind: authz.KeyCredential, Digest: digest("k"), Scope: resolver.Deployment, ID: "d"}
	for round := range 20 {
		one, two := f, other
		if round%2 == 1 {
			one, two = other, f
		}
		key.Digest = digest("round")
		one.create(t, authz.NewKey{Digest: key.Digest, Key: newKey("round", "ada", "p").Key})
		facts := two.lookup(t, key)
		if facts.Key == nil || len(facts.Projects) != 1 || facts.Projects[0].ID != "p" || !selects(facts) {
			t.Fatalf("a new key: %+v", facts)
		}
		one.services(t, authz.Service{ID: "s", ProjectID: "q"})
		if facts := two.lookup(t, key); len(facts.Projects) != 1 || facts.Projects[0].ID != "q" {
			t.Fatalf("a service that moved: %+v", facts)
		}
		one.services(t, authz.Service{ID: "s", ProjectID: "p"})
		one.deleteProjects(t, "p")
		if facts := two.lookup(t, key); len(facts.Projects) != 0 {
			t.Fatalf("a project that was deleted: %+v", facts)
		}
		one.projects(t, project("p", "ada"))
		if facts := two.lookup(t, key); len(facts.Projects) != 1 || selects(facts) {
			t.Fatalf("a project that came back: %+v", facts)
		}
		_, err := one.RevokeKey(ctx, at(0), "round")
		must(t, 0, err)
		if facts := two.lookup(t, key); facts.Key == nil || !facts.Key.Revoked {
			t.Fatalf("a revoked key: %+v", facts.Key)
		}
		token := string(rune('a' + round))
		one.session(t, session(token, "bob", authz.UserRoleUser))
		n, err := two.RevokeSessionsOfUser(ctx, at(0), "bob")
		same(t, "sessions revoked", must(t, n, err).N, 1)
		if s := one.sessionOf(t, token); s.RevokedAt.IsZero() {
			t.Fatalf("a revoked session: %+v", s)
		}
		must(t, 0, one.RecordUse(ctx, []authz.KeyUse{{KeyID: "k", At: noon.Add(time.Duration(round) * time.Hour)}}))
		same(t, "last use", two.key(t, "k").LastUsedAt, one.key(t, "k").LastUsedAt)
		must(t, 0, one.Sweep(ctx, janitor, authz.Cutoffs{Keys: cutoff}))
		_, err = two.Key(ctx, "round")
		refused(t, "a swept key", err, authz.NotFound)
		same(t, "all in all", two.snapshot(t), one.snapshot(t))
	}
}

func ping(t *testing.T, f *fixture) {
	must(t, 0, f.Ping(t.Context()))
}
