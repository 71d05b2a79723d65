// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// syncSweep: retention forgets no key of Aeroplane's that was revoked, since Aeroplane would make it known again.
func syncSweep(t *testing.T, f *fixture) {
	expired := foreignKey("expired", "ada")
	expired.ExpiresAt = noon.Add(-time.Hour)
	f.synced(t, 0, &authz.Delta{Projects: []authz.Project{project("p", "ada")}, Keys: []authz.ForeignKey{foreignKey("revoked", "ada", "p"), foreignKey("live", "ada", "p"), expired}})
	f.create(t, newKey("own", "ada", "p"))
	for _, id := range []string{"revoked", "own"} {
		_, err := f.RevokeKey(t.Context(), at(0), id)
		must(t, 0, err)
	}
	must(t, 0, f.Sweep(t.Context(), authz.Change{Actor: operator, At: noon.Add(2 * time.Hour)}, authz.Cutoffs{Keys: noon.Add(time.Hour)}))
	same(t, "keys of Aeroplane's", ids(f.foreign(t), func(k authz.ForeignKey) string { return k.ID }), []string{"live", "revoked"})
	left := f.keyIDs(t, anyKey)
	slices.Sort(left)
	same(t, "keys", left, []string{"live", "revoked"})
	same(t, "changed", f.synced(t, 3*time.Hour, &authz.Delta{Keys: []authz.ForeignKey{foreignKey("revoked", "ada", "p")}}), 0)
	if f.key(t, "revoked").RevokedAt.IsZero() {
		t.Error("a key that was revoked came back")
	}
}

// syncSweepSessions: nor does it forget a session that was revoked here, for as long as Aeroplane would have it live.
func syncSweepSessions(t *testing.T, f *fixture) {
	s := session("s", "ada", authz.UserRoleUser)
	s.ExpiresAt = time.Unix(0, 0).UTC() // as on the way to another role
	f.synced(t, 0, &authz.Delta{Sessions: []authz.Session{s}})
	_, err := f.RevokeSession(t.Context(), at(0), s.Digest)
	must(t, 0, err)
	s.ExpiresAt = noon.Add(24 * time.Hour)
	events := f.recorded(t, func() {
		same(t, "changed", f.synced(t, time.Minute, &authz.Delta{Sessions: []authz.Session{s}}), 0)
	})
	same(t, "recorded", ids(events, func(e authz.Event) string { return string(e.Action) }), []string{"catalog.sync"})
	must(t, 0, f.Sweep(t.Context(), authz.Change{Actor: operator, At: noon.Add(2 * time.Hour)}, authz.Cutoffs{Sessions: noon.Add(time.Hour)}))
	same(t, "changed", f.synced(t, 3*time.Hour, &authz.Delta{Sessions: []authz.Session{s}}), 0)
	if got := f.sessionOf(t, "s"); got == nil || got.RevokedAt.IsZero() {
		t.Errorf("a session that was revoked came back: %+v", got)
	}
}

// syncUses: Aeroplane says when its own keys were used, and of no other.
func syncUses(t *testing.T, f *fixture) {
	f.create(t, newKey("own", "ada"))
	used := func(id string, at time.Time) authz.ForeignKey {
		k := foreignKey(id, "ada")
		k.LastUsedAt = at
		return k
	}
	own := used("own", noon)
	own.Digest = digest("forged")
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{own, used("k", noon.Add(-time.Hour)), used("ahead", noon.Add(time.Hour))}})
	same(t, "a key of Aeroplane's", f.key(t, "k").LastUsedAt, noon.Add(-time.Hour))
	same(t, "a use to come", f.key(t, "ahead").LastUsedAt, time.Time{})
	same(t, "a key of ours", f.key(t, "own").LastUsedAt, time.Time{})
	f.synced(t, 0, &authz.Delta{Keys: []authz.ForeignKey{used("k", noon.Add(-2*time.Hour))}})
	same(t, "a use before that", f.key(t, "k").LastUsedAt, noon.Add(-time.Hour))
}
