// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz"
)

// A syncModel is what is to be kept, by a plain reading of what a sync is.
type syncModel struct {
	projects    []authz.Project
	services    []authz.Service
	deployments []authz.Deployment
	keys        map[string]modelKey
	own         map[string]authz.Key
	sessions    map[authz.Digest]modelSession
	revision    int64
	ours        bool
}

type modelKey struct {
	authz.ForeignKey
	revoked, over bool
}

type modelSession struct {
	authz.Session
	synced, revoked bool
}

func newSyncModel() *syncModel {
	return &syncModel{keys: map[string]modelKey{}, own: map[string]authz.Key{}, sessions: map[authz.Digest]modelSession{}}
}

// takes takes over an inventory, which is sorted.
func (m *syncModel) takes(in *authz.Inventory, revision int64, takeKeys bool) {
	m.projects, m.services, m.deployments, m.revision = in.Projects, in.Services, in.Deployments, revision
	for id, k := range m.keys {
		k.Projects.IDs = m.left(k.Projects.IDs)
		m.keys[id] = k
	}
	for id, k := range m.own {
		k.Projects.IDs = m.left(k.Projects.IDs)
		m.own[id] = k
	}
	if in.WithSessions {
		m.takesSessions(in.Sessions)
	}
	if in.WithKeys && (takeKeys || !m.ours) {
		m.takesKeys(in, m.ours)
	}
	m.ours = m.ours || takeKeys
}

// left returns what is left of a selection. A project that comes back does not come back into it, unless it is told of anew.
func (m *syncModel) left(selected []string) []string {
	return slices.DeleteFunc(slices.Clone(selected), func(id string) bool {
		return !slices.ContainsFunc(m.projects, func(p authz.Project) bool { return p.ID == id })
	})
}

func (m *syncModel) takesSessions(all []authz.Session) {
	told := map[authz.Digest]bool{}
	for _, s := range all {
		told[s.Digest] = true
		if !m.sessions[s.Digest].revoked {
			m.sessions[s.Digest] = modelSession{Session: s, synced: true}
		}
	}
	for digest, s := range m.sessions {
		if s.synced && !told[digest] {
			s.revoked = true
			m.sessions[digest] = s
		}
	}
}

func (m *syncModel) takesKeys(in *authz.Inventory, onlyNew bool) {
	told := map[string]bool{}
	for _, k := range in.Keys {
		told[k.ID] = true
		known, ok := m.keys[k.ID]
		switch {
		case !ok && m.clashes(k):
		case !ok:
			m.keys[k.ID] = modelKey{ForeignKey: k, revoked: !k.RevokedAt.IsZero()}
		case known.revoked:
		case !k.RevokedAt.IsZero(), !onlyNew && k.Digest != known.Digest:
			known.revoked = true
			m.keys[k.ID] = known
		case onlyNew:
		default:
			m.keys[k.ID] = modelKey{ForeignKey: k}
		}
	}
	for id, k := range m.keys {
		if !told[id] && !onlyNew {
			k.over, k.revoked = true, k.revoked || !slices.Contains(in.DoubtfulKeys, id)
			m.keys[id] = k
		}
	}
}

// clashes reports whether a key of ours has the id or the secret.
func (m *syncModel) clashes(k authz.ForeignKey) bool {
	_, taken := m.own[k.ID]
	return taken || k.ID == "forged"
}

// compare compares what is kept with the model.
func (m *syncModel) compare(t *testing.T, what string, store authz.Store) {
	t.Helper()
	ctx, all := t.Context(), authz.Page{Size: 100_000}
	equal := func(kind string, want, got any, err error, options ...cmp.Option) {
		t.Helper()
		mustDo(t, kind, err)
		if diff := cmp.Diff(want, got, append(options, cmpopts.EquateEmpty())...); diff != "" {
			t.Fatalf("%s: %s (-want +got):\n%s", what, kind, diff)
		}
	}
	projects, err := store.Projects(ctx, authz.ProjectFilter{}, all)
	equal("projects", m.projects, projects, err)
	services, err := store.Services(ctx, "", all)
	equal("services", m.services, services, err)
	deployments, err := store.Deployments(ctx, "", all)
	equal("deployments", m.deployments, deployments, err)
	for id, want := range m.own {
		got, err := store.Key(ctx, id)
		equal("own key "+id, want, got, err)
	}

	foreign, err := store.ForeignKeys(ctx, all)
	mustDo(t, "keys", err)
	if len(foreign) != len(m.keys) {
		t.Errorf("%s: %d keys of Aeroplane's, want %d", what, len(foreign), len(m.keys))
	}
	for _, got := range foreign {
		want := m.keys[got.ID]
		switch {
		case want.revoked && got.RevokedAt.IsZero(), want.over && got.State(time.Now()) == authz.Live:
			t.Fatalf("%s: key %s is live again: %+v", what, got.ID, got)
		case !want.revoked && !want.over:
			equal("key "+got.ID, want.ForeignKey, got, nil)
		}
	}
	var want []authz.Session
	for _, s := range m.sessions {
		if s.synced && !s.revoked {
			want = append(want, s.Session)
		}
	}
	sessions, err := store.ForeignSessions(ctx, all)
	sessions = slices.DeleteFunc(sessions, func(s authz.Session) bool { return !s.RevokedAt.IsZero() }) // compareSessions looks at these
	equal("sessions", want, sessions, err,
		cmpopts.SortSlices(func(a, b authz.Session) bool { return slices.Compare(a.Digest[:], b.Digest[:]) < 0 }))
	m.compareSessions(t, what, store)
}

func (m *syncModel) compareSessions(t *testing.T, what string, store authz.Store) {
	t.Helper()
	for digest, want := range m.sessions {
		r, _, err := store.Record(t.Context(), authz.SessionSubject(digest), false)
		mustDo(t, "session", err)
		if r.Session == nil || r.Session.RevokedAt.IsZero() == want.revoked || !want.revoked && *r.Session != want.Session {
			t.Fatalf("%s: the session is %+v, want %+v", what, r.Session, want)
		}
	}
}

func (m *syncModel) compareState(t *testing.T, what string, store authz.Store, complete bool) {
	t.Helper()
	state, err := store.SyncState(t.Context())
	mustDo(t, "state", err)
	if state.Revision != m.revision || state.Complete != complete || state.KeysOurs != m.ours {
		t.Fatalf("%s: the state is %+v, want revision %d, complete %t, keys ours %t", what, state, m.revision, complete, m.ours)
	}
}
