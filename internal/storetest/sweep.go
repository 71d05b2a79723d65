// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// A sweep runs a day after noon, and its cutoff is an hour after noon, so that what ended at noon goes.
const (
	sweepAfter = 24 * time.Hour
	cutAfter   = time.Hour
)

var cutoff = noon.Add(cutAfter)

var janitor = authz.Change{Actor: authz.Actor{Role: authz.CallerRoleSystem, TokenName: "retention"}, At: noon.Add(sweepAfter)}

func (f *fixture) sweep(t testing.TB, keep authz.Cutoffs) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a sweep that never ends fails, and not the whole run
	defer cancel()
	if err := f.Sweep(ctx, janitor, keep); err != nil {
		t.Fatal(err)
	}
}

func sweepNothing(t *testing.T, f *fixture) {
	over := newKey("over", "")
	over.ExpiresAt, over.RequestID = noon, "request"
	f.create(t, over)
	old := session("s", "ada", authz.UserRoleUser)
	old.ExpiresAt = noon
	f.session(t, old)
	before := f.snapshot(t)
	f.sweep(t, authz.Cutoffs{})
	same(t, "all is kept, and nothing recorded", f.snapshot(t), before)
	f.sweep(t, authz.Cutoffs{Events: noon, Keys: noon, Sessions: noon, RequestIDs: noon}) // at noon, not before it
	same(t, "what is from the very instant is kept", f.snapshot(t), before)
}

func sweepKeys(t *testing.T, f *fixture) {
	f.projects(t, project("p", ""), project("q", ""))
	ends := func(id string, expires, revoked time.Duration) {
		k := newKey(id, "", "p")
		if expires > 0 {
			k.ExpiresAt = noon.Add(expires)
		}
		f.create(t, k)
		if revoked > 0 {
			_, err := f.RevokeKey(t.Context(), at(revoked), id)
			must(t, id, err)
		}
		must(t, id, f.RecordUse(t.Context(), []authz.KeyUse{{KeyID: id, At: noon}}))
	}
	const tick = time.Microsecond
	ends("never", 0, 0)
	ends("expired", cutAfter-tick, 0)
	ends("expired-at-cutoff", cutAfter, 0)
	ends("expired-since", cutAfter+tick, 0)
	ends("revoked", 0, cutAfter-tick)
	ends("revoked-at-cutoff", 0, cutAfter)
	ends("revoked-early", 2*sweepAfter, cutAfter-tick)
	ends("live", sweepAfter+tick, 0)
	listing := anyKey

	events := f.recorded(t, func() { f.sweep(t, authz.Cutoffs{Keys: cutoff}) })
	kept := []string{"expired-at-cutoff", "expired-since", "live", "never", "revoked-at-cutoff"}
	got := f.keyIDs(t, listing)
	slices.Sort(got)
	same(t, "kept", got, kept)
	for _, id := range []string{"expired", "revoked", "revoked-early"} {
		_, err := f.Key(t.Context(), id)
		refused(t, "Key "+id, err, authz.NotFound)
		_, err = f.RevokeKey(t.Context(), at(0), id)
		refused(t, "RevokeKey "+id, err, authz.NotFound)
		if facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(id)}); facts.Key != nil {
			t.Errorf("%s is still found", id)
		}
		again := newKey(id, "", "q") // nothing of the old one is left
		f.create(t, again)
		same(t, "a new key of the id", f.key(t, id), again.Key)
	}
	if len(events) == 0 {
		t.Error("the sweep left no record")
	}
	for _, e := range events {
		if e.Action != authz.RetentionDelete || e.Actor != janitor.Actor || !e.At.Equal(janitor.At) {
			t.Errorf("the sweep's record is %+v", e)
		}
	}
	same(t, "what is kept is whole", f.key(t, "live").Projects.IDs, []string{"p"})
	same(t, "what is kept is whole", f.key(t, "live").LastUsedAt, noon)

	// However late the cutoff, a key that is good is none that has ended.
	f.sweep(t, authz.Cutoffs{Keys: noon.Add(100 * sweepAfter)})
	got = f.keyIDs(t, listing)
	slices.Sort(got)
	same(t, "live ones never go", got, []string{"expired", "live", "never", "revoked", "revoked-early"})
}

func sweepSessions(t *testing.T, f *fixture) {
	const tick = time.Microsecond
	ends := map[string]time.Duration{"over": cutAfter - tick, "at-cutoff": cutAfter, "since": cutAfter + tick,
		"live": sweepAfter + tick, "revoked-over": cutAfter - tick, "revoked": sweepAfter + tick}
	for token, expires := range ends {
		s := session(token, "ada", authz.UserRoleUser)
		s.ExpiresAt = noon.Add(expires)
		f.session(t, s)
		if token == "revoked" || token == "revoked-over" {
			_, err := f.RevokeSession(t.Context(), at(0), s.Digest)
			must(t, token, err)
		}
	}
	left := func() []string {
		t.Helper()
		var found []string
		for token := range ends {
			if f.sessionOf(t, token) != nil {
				found = append(found, token)
			}
		}
		slices.Sort(found)
		return found
	}
	f.sweep(t, authz.Cutoffs{Sessions: cutoff})
	same(t, "kept", left(), []string{"at-cutoff", "live", "revoked", "since"})
	// A revoked session is remembered for as long as it might be put again.
	_, err := f.PutSession(t.Context(), at(0), session("revoked", "ada", authz.UserRoleUser))
	refused(t, "put after revoke", err, authz.FailedPrecondition)
	f.sweep(t, authz.Cutoffs{Sessions: noon.Add(100 * sweepAfter)})
	if f.sessionOf(t, "live") == nil {
		t.Error("a session that is good was swept")
	}
}

func sweepEvents(t *testing.T, f *fixture) {
	const tick = time.Microsecond
	for id, when := range map[string]time.Duration{"before": cutAfter - tick, "at": cutAfter, "after": cutAfter + tick} {
		_, err := f.PutProjects(t.Context(), at(when), []authz.Project{project(id, "")})
		must(t, id, err)
	}
	f.create(t, newKey("k", "")) // at noon
	f.sweep(t, authz.Cutoffs{Events: cutoff})
	events, err := f.Events(t.Context(), authz.EventFilter{Until: janitor.At}, everything)
	subjects := ids(must(t, events, err), func(e authz.Event) string { return e.SubjectID })
	slices.Sort(subjects)
	same(t, "kept", subjects, []string{"after", "at"})
	same(t, "what they tell of is kept", len(f.listed(t)), 3)
	f.key(t, "k")
	events, err = f.Events(t.Context(), authz.EventFilter{Action: authz.RetentionDelete}, everything)
	if len(must(t, events, err)) == 0 {
		t.Error("the sweep left no record")
	}
	f.sweep(t, authz.Cutoffs{Events: noon.Add(100 * sweepAfter)}) // ends, although each round leaves a record
}

func sweepRequestIDs(t *testing.T, f *fixture) {
	const tick = time.Microsecond
	create := func(id, request string, after time.Duration) (replayed bool) {
		t.Helper()
		k := requested(id, request, request)
		k.CreatedAt = noon.Add(after)
		made, err := f.CreateKey(t.Context(), at(after), k)
		return must(t, made, err).Replayed
	}
	create("old", "old-request", cutAfter-tick)
	create("at", "at-request", cutAfter)
	f.sweep(t, authz.Cutoffs{RequestIDs: cutoff})
	same(t, "a forgotten request", create("new", "old-request", sweepAfter), false)
	same(t, "a remembered one", create("none", "at-request", sweepAfter), true)
	same(t, "keys", f.keyIDs(t, anyKey), []string{"new", "at", "old"})
}

// sweepRemembered: a request id is remembered for its own time, even if its key goes before. A late repeat of the call
// must not make a second key.
func sweepRemembered(t *testing.T, f *fixture) {
	k := requested("k", "request", "this")
	k.ExpiresAt = noon
	f.create(t, k)
	f.sweep(t, authz.Cutoffs{Keys: cutoff})
	events := f.recorded(t, func() {
		for _, what := range []string{"this", "that"} {
			made, err := f.CreateKey(t.Context(), at(sweepAfter), requested("late", "request", what))
			e := refused(t, "a repeat after the key went", err, authz.FailedPrecondition)
			if made.Replayed || e.Code != authz.CodeRequestIDReused {
				t.Errorf("replayed %v, code %q", made.Replayed, e.Code)
			}
		}
	})
	same(t, "events", events, []authz.Event{})
	same(t, "keys", f.keyIDs(t, anyKey), []string{})

	f.sweep(t, authz.Cutoffs{RequestIDs: cutoff})
	f.create(t, requested("new", "request", "that"))
}

// sweepMany sweeps more than one transaction holds, and where stores can share a database from two of them at once.
func sweepMany(t *testing.T, f *fixture) {
	const rows = 1_203
	var all []string
	var projects []authz.Project
	for i := range authz.MaxBatch {
		all = append(all, fmt.Sprintf("p%03d", i))
		projects = append(projects, project(all[i], ""))
	}
	f.projects(t, projects...)
	for i := range rows {
		k := newKey(fmt.Sprint("k", i), "")
		if i%401 == 0 {
			k.Projects = authz.ProjectScope{IDs: all}
		}
		k.ExpiresAt, k.RequestID = noon.Add(time.Minute), k.ID
		f.create(t, k)
		s := session(k.ID, "ada", authz.UserRoleUser)
		s.ExpiresAt = k.ExpiresAt
		f.session(t, s)
	}
	f.create(t, newKey("live", "", all...))
	stores := []authz.Store{f.Store}
	if f.db.Shared() {
		stores = append(stores, open(t, f.db))
	}
	together(len(stores), func(i int) {
		if err := stores[i].Sweep(t.Context(), janitor, authz.Cutoffs{Events: cutoff, Keys: cutoff, Sessions: cutoff,
			RequestIDs: cutoff}); err != nil {
			t.Errorf("Sweep: %v", err)
		}
	})
	same(t, "keys", f.keyIDs(t, anyKey), []string{"live"})
	same(t, "selection", len(f.key(t, "live").Projects.IDs), len(all))
	for i := range rows {
		if f.sessionOf(t, fmt.Sprint("k", i)) != nil {
			t.Fatalf("session %d was not swept", i)
		}
	}
	events, err := f.Events(t.Context(), authz.EventFilter{Until: janitor.At}, everything)
	same(t, "events", must(t, events, err), []authz.Event{})
}
