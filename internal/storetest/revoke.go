// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
)

func revokeKey(t *testing.T, f *fixture) {
	k, other := newKey("k", "ada", "p", "q"), newKey("other", "ada", "q")
	k.ExpiresAt = noon.Add(time.Minute)
	_, err := f.PutProjects(t.Context(), at(0), []authz.Project{project("p", "ada"), project("q", "ada")})
	must(t, 0, err)
	f.create(t, k, other)
	k.LastUsedAt = noon.Add(2 * time.Minute)
	must(t, 0, f.RecordUse(t.Context(), []authz.KeyUse{{KeyID: "k", At: k.LastUsedAt}, {KeyID: "other", At: noon}}))
	k.RevokedAt = noon.Add(time.Hour) // after its expiry: revoked all the same
	for i, change := range []authz.Change{at(time.Hour), at(2 * time.Hour), at(0)} {
		events := f.recorded(t, func() {
			got, err := f.RevokeKey(t.Context(), change, "k")
			if err != nil || got.Already != (i > 0) {
				t.Errorf("call %d: already %v, %v", i, got.Already, err)
			}
			same(t, "RevokeKey", got.Key, k.Key)
		})
		if len(events) != 1 || events[0].Action != authz.KeyRevoke || !events[0].At.Equal(change.At) {
			t.Errorf("call %d left %v, want one record of its own", i, events)
		}
		same(t, "Key", f.key(t, "k"), k.Key)
		same(t, "Lookup", f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: k.Digest}).Key, k.Key.Record())
	}
	if !f.key(t, "other").RevokedAt.IsZero() {
		t.Error("another key was revoked")
	}
}

func revokeKeysOfUser(t *testing.T, f *fixture) {
	expired := newKey("expired", "ada")
	expired.ExpiresAt = noon.Add(-time.Hour)
	f.create(t, newKey("a", "ada"), newKey("b", "ada"), newKey("early", "ada"), expired, newKey("bobs", "bob"),
		newKey("nobodys", ""), newKey("Adas", "Ada"))
	if _, err := f.RevokeKey(t.Context(), at(time.Minute), "early"); err != nil {
		t.Fatal(err)
	}
	events := f.recorded(t, func() {
		n, err := f.RevokeKeysOfUser(t.Context(), at(time.Hour), "ada")
		same(t, "revoked", must(t, n, err).N, 3)
	})
	subjects := map[string]bool{}
	for _, e := range events {
		subjects[e.SubjectID] = e.Action == authz.KeyRevoke
	}
	same(t, "events", subjects, map[string]bool{"a": true, "b": true, "expired": true})
	for id, want := range map[string]time.Time{"a": noon.Add(time.Hour), "b": noon.Add(time.Hour),
		"early": noon.Add(time.Minute), "expired": noon.Add(time.Hour), "bobs": {}, "nobodys": {}, "Adas": {}} {
		same(t, id, f.key(t, id).RevokedAt, want)
	}
	n, err := f.RevokeKeysOfUser(t.Context(), at(2*time.Hour), "ada")
	same(t, "revoked again", must(t, n, err).N, 0)
	same(t, "time kept", f.key(t, "a").RevokedAt, noon.Add(time.Hour))
}

// revokeManyOfUser revokes more keys than one transaction takes, twice at once: when either has answered, all are revoked.
func revokeManyOfUser(t *testing.T, f *fixture) {
	keys := 2*authz.MaxBatch + 1
	if testing.Short() || f.fenced() {
		keys = authz.MaxBatch + 1
	}
	for i := range keys {
		f.create(t, newKey(fmt.Sprint("k", i), "ada"))
	}
	var revoked atomic.Int64
	events := f.recorded(t, func() {
		together(2, func(int) {
			n, err := f.RevokeKeysOfUser(t.Context(), at(time.Hour), "ada")
			if err != nil {
				t.Error(err)
			}
			revoked.Add(int64(n.N))
			if live := f.keyIDs(t, authz.KeyFilter{States: []authz.KeyState{authz.Live}, Now: noon}); len(live) > 0 {
				t.Errorf("%d keys are live", len(live))
			}
		})
	})
	same(t, "revoked", int(revoked.Load()), keys)
	same(t, "events", len(events), keys)
}

func revokeConcurrent(t *testing.T, f *fixture) {
	const callers = 16
	f.create(t, newKey("k", "ada"))
	var first atomic.Int32
	var times [callers]time.Time
	events := f.recorded(t, func() {
		together(callers, func(i int) {
			k, err := f.RevokeKey(t.Context(), at(time.Duration(i)*time.Second), "k")
			if err != nil {
				t.Errorf("RevokeKey: %v", err)
			}
			if !k.Already {
				first.Add(1)
			}
			times[i] = k.Key.RevokedAt
		})
	})
	same(t, "calls that revoked", int(first.Load()), 1)
	same(t, "records", len(events), callers)
	for _, got := range times {
		same(t, "time of revocation", got, f.key(t, "k").RevokedAt)
	}
}

// revokeWhileCreating revokes a user's keys while more are made. The answer must count what is revoked, and what was
// there before must be.
func revokeWhileCreating(t *testing.T, f *fixture) {
	const before, during = 10, 10
	for i := range before {
		f.create(t, newKey(fmt.Sprint("before", i), "ada"))
	}
	var revoked authz.Counted
	together(during+1, func(i int) {
		var err error
		if i < during {
			_, err = f.CreateKey(t.Context(), at(0), newKey(fmt.Sprint("during", i), "ada"))
		} else {
			revoked, err = f.RevokeKeysOfUser(t.Context(), at(time.Hour), "ada")
		}
		if err != nil {
			t.Error(err)
		}
	})
	live := f.keyIDs(t, authz.KeyFilter{States: []authz.KeyState{authz.Live}, Now: noon})
	same(t, "revoked", revoked.N, before+during-len(live))
	for i := range before {
		if f.key(t, fmt.Sprint("before", i)).RevokedAt.IsZero() {
			t.Errorf("key %d, created before, is live", i)
		}
	}
}
