// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
)

// times: what is stored comes back to the microsecond, in UTC, whatever the zone it was given in and however far off.
func times(t *testing.T, f *fixture) {
	for i, want := range []time.Time{
		noon,
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1970, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), // where clocks go forward
		time.Date(2036, 2, 7, 6, 28, 16, 999_999_000, time.UTC),
		time.Date(2038, 1, 19, 3, 14, 8, 1000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		given := want.In(time.FixedZone("far", -(11*60+30)*60))
		id := fmt.Sprint("k", i)
		change := authz.Change{Actor: operator, At: given}
		k := newKey(id, "")
		k.CreatedAt, k.ExpiresAt = given, given.Add(time.Microsecond)
		events := f.recorded(t, func() {
			_, err := f.CreateKey(t.Context(), change, k)
			must(t, id, err)
		})
		if len(events) != 1 {
			t.Fatalf("%d records, want one", len(events))
		}
		record := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: k.Digest}).Key
		same(t, "the record's expiry", record.Expires, authz.InstantOf(k.ExpiresAt))
		same(t, "its state then", record.State(k.ExpiresAt), authz.Expired)
		_, err := f.RevokeKey(t.Context(), change, id)
		must(t, id, err)
		must(t, id, f.RecordUse(t.Context(), []authz.KeyUse{{KeyID: id, At: given}}))
		got := f.key(t, id)
		for what, pair := range map[string][2]time.Time{
			"created": {got.CreatedAt, want}, "expires": {got.ExpiresAt, want.Add(time.Microsecond)},
			"revoked": {got.RevokedAt, want}, "used": {got.LastUsedAt, want}, "event": {events[0].At, want},
		} {
			if pair[0] != pair[1] { // the zone, too
				t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
			}
		}
		s := session(id, "ada", authz.UserRoleUser)
		s.ExpiresAt = given
		f.session(t, s)
		if got := f.sessionOf(t, id).ExpiresAt; got != want {
			t.Errorf("a session ends %v, want %v", got, want)
		}
		page, err := f.Keys(t.Context(), authz.KeyFilter{States: allStates, Now: given}, everything)
		for at, k := range must(t, page, err) {
			if at > 0 && k.CreatedAt.After(page[at-1].CreatedAt) {
				t.Errorf("%v is listed after %v", k.CreatedAt, page[at-1].CreatedAt)
			}
		}
	}
	f.create(t, newKey("zero", ""))
	for _, zero := range []time.Time{f.key(t, "zero").ExpiresAt, f.key(t, "zero").RevokedAt, f.key(t, "zero").LastUsedAt} {
		if !zero.IsZero() {
			t.Errorf("a time that was not given is %v", zero)
		}
	}
}

// arguments: a store neither changes them nor holds on to them.
func arguments(t *testing.T, f *fixture) {
	projects := []authz.Project{project("q", "ada"), project("p", "ada")}
	services := []authz.Service{{ID: "t", ProjectID: "p"}, {ID: "s", ProjectID: "p"}}
	deployments := []authz.Deployment{{ID: "e", ServiceID: "s"}, {ID: "d", ServiceID: "s"}}
	unknown := []string{"z", "y", "x"}
	key := newKey("k", "ada", "p", "q")
	uses := []authz.KeyUse{{KeyID: "k", At: noon}, {KeyID: "a", At: noon}}
	states := []authz.KeyState{authz.Revoked, authz.Live}
	all := func() []any {
		return []any{projects, services, deployments, unknown, key, uses, states}
	}
	before := fmt.Sprintf("%#v", all())
	f.projects(t, projects...)
	f.services(t, services...)
	f.deployments(t, deployments...)
	f.create(t, key)
	must(t, 0, f.RecordUse(t.Context(), uses))
	f.deleteProjects(t, unknown...)
	f.keyIDs(t, authz.KeyFilter{States: states, Now: noon})
	must(t, 0, error2(f.Projects(t.Context(), authz.ProjectFilter{IDs: unknown}, everything)))
	if diff := gocmp.Diff(before, fmt.Sprintf("%#v", all())); diff != "" {
		t.Errorf("arguments (-before +after):\n%s", diff)
	}

	stored := f.snapshot(t)
	for i := range 2 {
		projects[i].Name, services[i].ProjectID, deployments[i].ServiceID, key.Projects.IDs[i] = "x", "x", "x", "x"
	}
	same(t, "stored", f.snapshot(t), stored)
	stored.Keys[0].Projects.IDs[0] = "x"
	same(t, "what a list returned is the caller's", f.key(t, "k").Projects.IDs, []string{"p", "q"})
}

// endedContext: every method whose context is over answers Unavailable, and does nothing.
func endedContext(t *testing.T, f *fixture) {
	f.furnish(t)
	before := f.snapshot(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	projects := []authz.Project{project("new", "")}
	services, deployments := []authz.Service{{ID: "new", ProjectID: "p"}}, []authz.Deployment{{ID: "new", ServiceID: "s"}}
	for _, ctx := range []context.Context{ctx, late} {
		for name, call := range map[string]func() error{
			"Ping":                 func() error { return f.Ping(ctx) },
			"Record":               func() error { _, _, err := f.Record(ctx, authz.KeySubject(digest("k")), false); return err },
			"Key":                  func() error { return error2(f.Key(ctx, "k")) },
			"KeyHead":              func() error { return error2(f.KeyHead(ctx, "k")) },
			"Keys":                 func() error { return error2(f.Keys(ctx, anyKey, everything)) },
			"Projects":             func() error { return error2(f.Projects(ctx, authz.ProjectFilter{}, everything)) },
			"Services":             func() error { return error2(f.Services(ctx, "", everything)) },
			"Deployments":          func() error { return error2(f.Deployments(ctx, "", everything)) },
			"Events":               func() error { return error2(f.Events(ctx, authz.EventFilter{}, everything)) },
			"CreateKey":            func() error { return error2(f.CreateKey(ctx, at(0), newKey("new", ""))) },
			"RevokeKey":            func() error { return error2(f.RevokeKey(ctx, at(0), "k")) },
			"RevokeKeysOfUser":     func() error { return error2(f.RevokeKeysOfUser(ctx, at(0), "ada")) },
			"PutSession":           func() error { return error2(f.PutSession(ctx, at(0), session("new", "", authz.UserRoleUser))) },
			"RevokeSession":        func() error { return error2(f.RevokeSession(ctx, at(0), digest("good"))) },
			"RevokeSessionsOfUser": func() error { return error2(f.RevokeSessionsOfUser(ctx, at(0), "ada")) },
			"PutProjects":          func() error { return error2(f.PutProjects(ctx, at(0), projects)) },
			"PutServices":          func() error { return error2(f.PutServices(ctx, at(0), services)) },
			"PutDeployments":       func() error { return error2(f.PutDeployments(ctx, at(0), deployments)) },
			"DeleteProjects":       func() error { return error2(f.DeleteProjects(ctx, at(0), []string{"p"})) },
			"DeleteServices":       func() error { return error2(f.DeleteServices(ctx, at(0), []string{"s"})) },
			"DeleteDeployments":    func() error { return error2(f.DeleteDeployments(ctx, at(0), []string{"d"})) },
			"RecordUse":            func() error { return f.RecordUse(ctx, []authz.KeyUse{{KeyID: "k", At: janitor.At}}) },
			"Sweep":                func() error { return f.Sweep(ctx, janitor, authz.Cutoffs{Events: janitor.At}) },
		} {
			refused(t, name, call(), authz.Unavailable)
		}
	}
	same(t, "all is as it was", f.snapshot(t), before)
	if f.sessionOf(t, "new") != nil || !f.sessionOf(t, "good").RevokedAt.IsZero() {
		t.Error("a session was changed")
	}
}
