// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// sync syncs after whatever came before, and returns what came of it.
func (f *fixture) sync(ctx context.Context, c authz.Change, d *authz.Delta) (authz.Counted, error) {
	state, err := f.SyncState(ctx)
	if err != nil {
		return authz.Counted{}, err
	}
	before := state.Tag
	state.Revision, state.Tag = state.Revision+1, before+1
	return f.Sync(ctx, c, d, before, state)
}

func (f *fixture) synced(t testing.TB, after time.Duration, d *authz.Delta) int {
	t.Helper()
	did, err := f.sync(t.Context(), at(after), d)
	return must(t, did, err).N
}

func foreignKey(id, user string, projects ...string) authz.ForeignKey {
	k := newKey(id, user, projects...)
	return authz.ForeignKey{Key: k.Key, Digest: k.Digest}
}

func (f *fixture) foreign(t testing.TB) []authz.ForeignKey {
	t.Helper()
	keys, err := f.ForeignKeys(t.Context(), everything)
	return must(t, keys, err)
}

func (f *fixture) foreignSessions(t testing.TB) []authz.Session {
	t.Helper()
	all, err := f.ForeignSessions(t.Context(), everything)
	return must(t, all, err)
}

// syncAll puts one of each kind, changes them, and takes them away, each in one delta.
func syncAll(t *testing.T, f *fixture) {
	state, err := f.SyncState(t.Context())
	same(t, "the state at first", must(t, state, err), authz.SyncState{})
	next := authz.SyncState{Revision: 7, Tag: 42, Complete: true, Source: "/data/deploy.db", SyncedAt: noon, SeenAt: noon, Refused: 3}
	s := session("s", "ada", authz.UserRoleUser)
	first := &authz.Delta{
		Projects: []authz.Project{project("p", "ada"), project("q", "ada")}, Services: []authz.Service{{ID: "s", ProjectID: "p"}},
		Deployments: []authz.Deployment{{ID: "d", ServiceID: "s"}}, Sessions: []authz.Session{s},
		Keys: []authz.ForeignKey{foreignKey("k", "ada", "p", "q"), foreignKey("l", "")},
	}
	var did authz.Counted
	events := f.recorded(t, func() { did, err = f.Sync(t.Context(), at(0), first, 0, next) })
	same(t, "changed", must(t, did, err).N, 7)
	same(t, "recorded", ids(events, func(e authz.Event) string { return string(e.Action) + " " + e.SubjectID }), []string{
		"project.put p", "project.put q", "service.put s", "deployment.put d", "key.import k", "key.import l",
		"session.put " + hex.EncodeToString(s.Digest[:]), "catalog.sync "})
	state, err = f.SyncState(t.Context())
	same(t, "the state", must(t, state, err), next)
	same(t, "keys", f.foreign(t), first.Keys)
	same(t, "sessions", f.foreignSessions(t), first.Sessions)
	same(t, "the session", f.sessionOf(t, "s"), &s)
	same(t, "the key", f.key(t, "k"), first.Keys[0].Key)

	changed := foreignKey("k", "bob", "q")
	changed.Name, changed.Access, changed.ExpiresAt = "Renamed", authz.Read, noon.Add(time.Hour)
	s.Role = authz.UserRoleOwner
	same(t, "changed", f.synced(t, 0, &authz.Delta{
		Projects: []authz.Project{{ID: "p", Slug: "slug-q", Name: "P"}, {ID: "q", Slug: "slug-p"}}, Services: []authz.Service{{ID: "s", ProjectID: "q"}},
		Deployments: []authz.Deployment{{ID: "d", ServiceID: "t"}}, Sessions: []authz.Session{s}, Keys: []authz.ForeignKey{changed},
	}), 6)
	same(t, "the key", f.key(t, "k"), changed.Key)
	same(t, "the session", f.sessionOf(t, "s"), &s)

	events = f.recorded(t, func() {
		same(t, "gone", f.synced(t, time.Minute, &authz.Delta{GoneProjects: []string{"p", "unknown"}, GoneServices: []string{"s"},
			GoneDeployments: []string{"d"}, GoneSessions: []authz.Digest{s.Digest}, GoneKeys: []string{"k"}, DoubtfulKeys: []string{"l"}}), 6)
	})
	same(t, "recorded", ids(events, func(e authz.Event) string { return string(e.Action) + " " + e.SubjectID }), []string{
		"key.revoke k", "key.suspend l", "session.revoke " + hex.EncodeToString(s.Digest[:]), "deployment.delete d", "service.delete s",
		"project.delete p", "catalog.sync "})
	changed.RevokedAt, s.RevokedAt = noon.Add(time.Minute), noon.Add(time.Minute)
	same(t, "the key", f.key(t, "k"), changed.Key)
	same(t, "the session", f.sessionOf(t, "s"), &s)
	same(t, "sessions", f.foreignSessions(t), []authz.Session{s})
	same(t, "a key in doubt expires", f.key(t, "l").ExpiresAt, noon)
	same(t, "a key that is clear again", f.synced(t, time.Hour, &authz.Delta{Keys: first.Keys[1:]}), 1)
	same(t, "a key that is clear again", f.key(t, "l"), first.Keys[1].Key)
	events = f.recorded(t, func() { same(t, "nothing", f.synced(t, time.Hour, &authz.Delta{}), 0) })
	same(t, "recorded of nothing", len(events), 0)

	state, err = f.SyncState(t.Context())
	next = must(t, state, err)
	next.Tag, next.KeysOurs = next.Tag+1, true
	events = f.recorded(t, func() { did, err = f.Sync(t.Context(), at(time.Hour), &authz.Delta{}, state.Tag, next) })
	same(t, "changed", must(t, did, err).N, 0)
	same(t, "that keys are ours now is recorded", ids(events, func(e authz.Event) string { return string(e.Action) + " " + e.Details["keys_ours"] }),
		[]string{"catalog.sync true"})
}

// syncLeavesAlone is what no sync does.
func syncLeavesAlone(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"))
	f.create(t, newKey("ours", "ada", "p"), newKey("other", "ada"))
	gone, back := foreignKey("gone", "ada", "p"), foreignKey("revoked", "ada")
	back.RevokedAt = noon.Add(-time.Hour)
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{gone, back}, Sessions: []authz.Session{session("s", "ada", authz.UserRoleUser)}})
	_, err := f.RevokeKey(t.Context(), at(0), "gone")
	must(t, 0, err)
	_, err = f.RevokeSession(t.Context(), at(0), digest("s"))
	must(t, 0, err)
	before := f.snapshot(t)

	sameID, sameSecret := foreignKey("ours", "eve"), foreignKey("new", "eve")
	sameID.Digest, sameSecret.Digest = digest("forged"), digest("other")
	both := foreignKey("ours", "eve")
	rotated := foreignKey("revoked", "eve")
	rotated.Digest = digest("rotated")
	for what, d := range map[string]*authz.Delta{
		"a key that was revoked":         {Keys: []authz.ForeignKey{gone}},
		"a key that came revoked":        {Keys: []authz.ForeignKey{foreignKey("revoked", "ada")}},
		"the id of a key of ours":        {Keys: []authz.ForeignKey{sameID}},
		"the secret of a key of ours":    {Keys: []authz.ForeignKey{sameSecret}},
		"a key of ours":                  {Keys: []authz.ForeignKey{both}},
		"another secret":                 {Keys: []authz.ForeignKey{rotated}},
		"keys of ours that go":           {GoneKeys: []string{"ours", "other", "unknown"}},
		"keys of ours that are in doubt": {DoubtfulKeys: []string{"ours", "other"}},
		"a revoked key that goes":        {GoneKeys: []string{"gone"}},
		"a session that was revoked":     {Sessions: []authz.Session{session("s", "ada", authz.UserRoleUser)}},
		"a session that is not known":    {GoneSessions: []authz.Digest{digest("unknown")}},
	} {
		if n := f.synced(t, time.Minute, d); n != 0 {
			t.Errorf("%s: %d changed", what, n)
		}
		after := f.snapshot(t)
		after.Events = slices.DeleteFunc(after.Events, func(e authz.Event) bool { return e.Action == authz.CatalogSync })
		before.Events = slices.DeleteFunc(before.Events, func(e authz.Event) bool { return e.Action == authz.CatalogSync })
		same(t, what, after, before)
	}
	if f.sessionOf(t, "s").RevokedAt.IsZero() {
		t.Error("a session that was revoked came back")
	}
	// A key of Aeroplane's that has another secret is over, and the other secret opens nothing.
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{foreignKey("k", "ada")}})
	again := foreignKey("k", "ada")
	again.Digest = digest("again")
	same(t, "another secret", f.synced(t, time.Minute, &authz.Delta{Keys: []authz.ForeignKey{again}}), 1)
	if k := f.key(t, "k"); k.RevokedAt.IsZero() {
		t.Error("a key that has another secret is still good")
	}
	same(t, "what has the other secret", f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: again.Digest}).Key, (*authz.KeyRecord)(nil))
	// What others have put belongs to nobody's sync until Aeroplane tells of it.
	f.session(t, session("theirs", "ada", authz.UserRoleUser))
	theirs := []authz.Digest{digest("theirs")}
	same(t, "a session that somebody put", f.synced(t, 0, &authz.Delta{GoneSessions: theirs}), 0)
	same(t, "and that Aeroplane tells of", f.synced(t, 0, &authz.Delta{Sessions: []authz.Session{session("theirs", "ada", authz.UserRoleUser)}}), 1)
	f.session(t, session("theirs", "ada", authz.UserRoleOwner))
	same(t, "and that somebody put again", f.synced(t, 0, &authz.Delta{GoneSessions: theirs}), 1)
}

// syncSelections are projects that a key of Aeroplane's selects.
func syncSelections(t *testing.T, f *fixture) {
	selected := func() []string { return f.key(t, "k").Projects.IDs }
	f.synced(t, 0, &authz.Delta{Projects: []authz.Project{project("p", "ada"), project("q", "bob"), project("r", "")},
		Keys: []authz.ForeignKey{foreignKey("k", "ada", "p", "q", "unknown")}})
	same(t, "what is known, whoever's it is", selected(), []string{"p", "q"})
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{foreignKey("k", "ada", "q", "r")}})
	same(t, "others", selected(), []string{"q", "r"})
	f.synced(t, 0, &authz.Delta{GoneProjects: []string{"q"}})
	same(t, "a project that is gone", selected(), []string{"r"})
	none := foreignKey("k", "ada")
	none.Projects = authz.ProjectScope{}
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{none}})
	same(t, "none", f.key(t, "k").Projects, authz.ProjectScope{})
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{foreignKey("k", "ada")}})
	same(t, "all", f.key(t, "k").Projects, authz.ProjectScope{All: true})
}

// syncFollows: a delta that does not follow what is kept changes nothing.
func syncFollows(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.synced(t, 0, &authz.Delta{Projects: []authz.Project{project("p", "ada")}})
	state, err := f.SyncState(ctx)
	must(t, state, err)
	before := f.snapshot(t)
	d := &authz.Delta{Projects: []authz.Project{project("q", "ada")}, GoneProjects: []string{"p"}}
	for _, tag := range []int64{0, state.Tag - 1, state.Tag + 1} {
		_, err := f.Sync(ctx, at(0), d, tag, authz.SyncState{Revision: 99, Tag: 99})
		if e := refused(t, "another tag", err, authz.FailedPrecondition); e.Code != authz.CodeSyncConflict {
			t.Errorf("the code is %s", e.Code)
		}
	}
	// Neither does one that breaks a rule: a slug that another project has.
	taken := project("q", "ada")
	taken.Slug = "slug-p"
	_, err = f.Sync(ctx, at(0), &authz.Delta{Services: []authz.Service{{ID: "s", ProjectID: "p"}}, Projects: []authz.Project{taken}}, state.Tag,
		authz.SyncState{Revision: 99, Tag: 99})
	refused(t, "a slug that is taken", err, authz.AlreadyExists)
	same(t, "what there is", f.snapshot(t), before)
	after, err := f.SyncState(ctx)
	same(t, "the state", must(t, after, err), state)

	var done atomic.Int64
	together(8, func(i int) {
		_, err := f.Sync(ctx, at(0), &authz.Delta{Projects: []authz.Project{project(fmt.Sprint("new", i), "")}}, state.Tag,
			authz.SyncState{Revision: 99, Tag: int64(100 + i)})
		if err == nil {
			done.Add(1)
		} else {
			refused(t, "too late", err, authz.FailedPrecondition)
		}
	})
	same(t, "of eight at once", done.Load(), int64(1))
	projects, err := f.Projects(ctx, authz.ProjectFilter{}, everything)
	same(t, "projects", len(must(t, projects, err)), 2)
}

func syncReports(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.synced(t, 0, &authz.Delta{})
	state, err := f.SyncState(ctx)
	must(t, state, err)
	report := func(after time.Duration, trouble string) {
		t.Helper()
		events := f.recorded(t, func() {
			must(t, 0, f.ReportSync(ctx, authz.SyncReport{At: noon.Add(after), Trouble: trouble}))
		})
		same(t, "records", events, []authz.Event{})
		after2, err := f.SyncState(ctx)
		same(t, "state", must(t, after2, err), state)
	}
	state.SeenAt = noon.Add(time.Minute)
	report(time.Minute, "")
	report(time.Second, "") // which comes late
	state.Trouble, state.TroubleAt = "it is locked", noon.Add(2*time.Minute)
	report(2*time.Minute, "it is locked")
	state.Trouble = "it is gone"
	report(3*time.Minute, "it is gone") // it began when it began
	state.Trouble, state.TroubleAt, state.SeenAt = "", time.Time{}, noon.Add(4*time.Minute)
	report(4*time.Minute, "")
	state.SeenAt = noon.Add(24 * time.Hour)
	report(24*time.Hour, "") // by a clock that was ahead, and is put right
	state.Trouble, state.TroubleAt = "it is locked", noon.Add(5*time.Minute)
	report(5*time.Minute, "it is locked")
	state.Trouble, state.TroubleAt, state.SeenAt = "", time.Time{}, noon.Add(6*time.Minute)
	report(6*time.Minute, "")
}
