// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// sessionOf returns what is known of a session.
func (f *fixture) sessionOf(t testing.TB, token string) *authz.Session {
	t.Helper()
	return f.lookup(t, authz.Query{Kind: authz.SessionCredential, Digest: digest(token)}).Session
}

func sessions(t *testing.T, f *fixture) {
	s := session("s", "ada", authz.UserRoleUser)
	f.session(t, s)
	same(t, "put", f.sessionOf(t, "s"), &s)
	s.UserID, s.Role, s.ExpiresAt = "bob", authz.UserRoleOwner, noon.Add(30*24*time.Hour)
	ignored := s
	ignored.RevokedAt = noon
	f.session(t, ignored)
	same(t, "replaced", f.sessionOf(t, "s"), &s)
	f.session(t, s) // again, as it is
	f.session(t, session("other", "", authz.UserRoleOwner))

	s.RevokedAt = noon.Add(time.Minute)
	for i, change := range []authz.Change{at(time.Minute), at(time.Hour)} {
		events := f.recorded(t, func() {
			revoked, err := f.RevokeSession(t.Context(), change, s.Digest)
			if err != nil || revoked.Already != (i > 0) {
				t.Errorf("call %d: already %v, %v", i, revoked.Already, err)
			}
		})
		if len(events) != 1 || events[0].Action != authz.SessionRevoke || !events[0].At.Equal(change.At) {
			t.Errorf("call %d left %v, want one record of its own", i, events)
		}
		same(t, "revoked", f.sessionOf(t, "s"), &s)
	}
	events := f.recorded(t, func() {
		_, err := f.PutSession(t.Context(), at(0), ignored)
		refused(t, "put after revoke", err, authz.FailedPrecondition)
	})
	same(t, "events", events, []authz.Event{})
	same(t, "put after revoke", f.sessionOf(t, "s"), &s)
	if other := f.sessionOf(t, "other"); other == nil || !other.RevokedAt.IsZero() {
		t.Errorf("another session is %v", other)
	}
	_, err := f.RevokeSession(t.Context(), at(0), digest("unknown"))
	refused(t, "unknown", err, authz.NotFound)
}

func sessionsOfUser(t *testing.T, f *fixture) {
	f.create(t, newKey("k", "ada"))
	f.session(t, session("a", "ada", authz.UserRoleUser), session("b", "ada", authz.UserRoleOwner),
		session("c", "bob", authz.UserRoleOwner), session("d", "", authz.UserRoleOwner), session("e", "Ada", authz.UserRoleUser),
		session("early", "ada", authz.UserRoleUser))
	if _, err := f.RevokeSession(t.Context(), at(0), digest("early")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 0} {
		n, err := f.RevokeSessionsOfUser(t.Context(), at(time.Hour), "ada")
		same(t, fmt.Sprintf("call %d: revoked", i), must(t, n, err).N, want)
	}
	for token, want := range map[string]time.Time{"a": noon.Add(time.Hour), "b": noon.Add(time.Hour), "early": noon,
		"c": {}, "d": {}, "e": {}} {
		same(t, token, f.sessionOf(t, token).RevokedAt, want)
	}
	if !f.key(t, "k").RevokedAt.IsZero() {
		t.Error("a key was revoked with the sessions")
	}
}

// sessionsRace puts sessions while they are revoked, one by one or all of a user. None may come back to life, and the
// answer must count what is revoked.
func sessionsRace(t *testing.T, f *fixture) {
	const n = 10
	token := func(i int) string { return fmt.Sprint("s", i) }
	put := func(i int) {
		_, err := f.PutSession(t.Context(), at(0), session(token(i), "ada", authz.UserRoleUser))
		if err != nil && authz.KindOf(err) != authz.FailedPrecondition {
			t.Errorf("PutSession: %v", err)
		}
	}
	for i := range n {
		put(i)
	}
	together(2*n, func(i int) {
		if i < n {
			put(i)
		} else if revoked, err := f.RevokeSession(t.Context(), at(0), digest(token(i-n))); revoked.Already || err != nil {
			t.Errorf("RevokeSession: already %v, %v", revoked.Already, err)
		}
	})
	for i := range n {
		if f.sessionOf(t, token(i)).RevokedAt.IsZero() {
			t.Errorf("session %d is good although it was revoked", i)
		}
	}
	var revoked authz.Counted
	together(n+1, func(i int) {
		if i < n {
			put(n + i)
			return
		}
		var err error
		if revoked, err = f.RevokeSessionsOfUser(t.Context(), at(time.Hour), "ada"); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		if !f.sessionOf(t, token(n+i)).RevokedAt.IsZero() {
			revoked.N--
		}
	}
	same(t, "sessions counted but not revoked", revoked.N, 0)
}
