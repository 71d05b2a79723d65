// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

var syncActor = authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "sync"}

// A syncStore is one whose syncs can be made to fail, and are looked at.
type syncStore struct {
	servertest.Store
	failAt int    // the number of the sync that fails, from 1; 0: none
	synced func() // called after each that did not
	calls  int
}

var errBroken = authz.Errorf(authz.Unavailable, "broken off")

func (s *syncStore) Sync(ctx context.Context, c authz.Change, d *authz.Delta, before int64, next authz.SyncState) (authz.Counted, error) {
	if s.calls++; s.calls == s.failAt {
		return authz.Counted{}, errBroken
	}
	if c.Wait != next.Complete {
		return authz.Counted{}, authz.Errorf(authz.Internal, "the last transaction, and it alone, is to be waited for until it is in force everywhere")
	}
	did, err := s.Store.Sync(ctx, c, d, before, next)
	if s.synced != nil && err == nil {
		s.synced()
	}
	return did, err
}

// onSyncedStores runs a test with a store on each database.
func onSyncedStores(t *testing.T, test func(t *testing.T, s *syncStore)) {
	onEveryStore(t, func(t *testing.T, f *fixture) { test(t, &syncStore{Store: f.store.(servertest.Store)}) })
}

// TestSyncKeepsWhatAeroplaneSays makes inventories at random, and takes them over whole or by steps, some of them broken off, while
// keys and sessions are made and revoked here.
func TestSyncKeepsWhatAeroplaneSays(t *testing.T) {
	onSyncedStores(t, func(t *testing.T, store *syncStore) {
		w := &world{Rand: rand.New(rand.NewPCG(1, 2))}
		m := newSyncModel()
		syncer := &authz.Syncer{Store: store, Now: time.Now}
		last := new(authz.Inventory)
		last.Sort()
		steps, broken := 0, 0
		for round := range int64(120) {
			for range w.IntN(3) {
				localChange(t, w, store, m)
			}
			m.compare(t, fmt.Sprint("local changes before round ", round), store)
			w.crowd = 0
			r := authz.SyncRequest{Revision: round + 1, TakeKeys: round == 90 || round > 90 && w.IntN(8) == 0}
			if r.TakeKeys || w.IntN(8) == 0 {
				w.crowd = 700
			}
			to := w.next()
			to.WithKeys = to.WithKeys || r.TakeKeys
			what := fmt.Sprintf("round %d, take keys %t", round, r.TakeKeys)
			stepped := false
			if !r.TakeKeys && round > 0 && to.WithKeys == last.WithKeys && to.WithSessions == last.WithSessions {
				stepped = step(t, syncer, m.revision, r, last, to)
			}
			if stepped {
				steps++
				what += ", a step"
			} else if w.crowd > 0 && breakOff(t, syncer, store, m, r, to) {
				broken++
			}
			if !stepped {
				result, err := syncer.Whole(t.Context(), syncActor, r, to)
				mustDo(t, what, err)
				again(t, syncer, m, r, to)
				if result.KeysOurs != (m.ours && !r.TakeKeys) {
					t.Errorf("%s: keys ours: %t", what, result.KeysOurs)
				}
			}
			m.takes(to, r.Revision, r.TakeKeys)
			m.compare(t, what, store)
			m.compareState(t, what, store, true)
			last = to
		}
		if steps < 10 || broken < 3 || !m.ours {
			t.Errorf("%d steps, %d broken off, keys ours %t: that proves little", steps, broken, m.ours)
		}
	})
}

// again finds that the same once more would change nothing, but for what was revoked here and what is of no avail.
func again(t *testing.T, s *authz.Syncer, m *syncModel, r authz.SyncRequest, in *authz.Inventory) {
	t.Helper()
	r.DryRun, r.TakeKeys = true, false
	result, err := s.Whole(t.Context(), syncActor, r, in)
	mustDo(t, "the same again", err)
	d := *result.Delta
	d.Sessions = slices.DeleteFunc(slices.Clone(d.Sessions), func(s authz.Session) bool { return m.sessions[s.Digest].revoked })
	d.Keys = slices.DeleteFunc(slices.Clone(d.Keys), m.clashes)
	if d.Len() > 0 {
		t.Errorf("the same again: %d changes: %+v", d.Len(), d)
	}
}

// step takes a step, if it is not too long for one.
func step(t *testing.T, s *authz.Syncer, after int64, r authz.SyncRequest, from, to *authz.Inventory) bool {
	t.Helper()
	to.Sort()
	d := authz.Difference(from, to)
	for _, wrong := range []int64{after - 1, after + 1} {
		if _, err := s.Step(t.Context(), syncActor, wrong, r, new(authz.Delta)); codeOf(err) != authz.CodeSyncConflict {
			t.Fatalf("a step after %d: %v", wrong, err)
		}
	}
	if d.Len() > authz.MaxBatch {
		if _, err := s.Step(t.Context(), syncActor, after, r, d); authz.KindOf(err) != authz.Invalid {
			t.Fatalf("a step of %d things: %v", d.Len(), err)
		}
		return false
	}
	_, err := s.Step(t.Context(), syncActor, after, r, d)
	mustDo(t, "step", err)
	return true
}

// breakOff breaks a sync off after its first transaction, if it takes more.
func breakOff(t *testing.T, s *authz.Syncer, store *syncStore, m *syncModel, r authz.SyncRequest, to *authz.Inventory) bool {
	t.Helper()
	before := m.revision
	for n := 1; ; n++ {
		store.failAt = store.calls + n
		_, err := s.Whole(t.Context(), syncActor, r, to)
		store.failAt = 0
		switch {
		case err == nil:
			return n > 2
		case !errors.Is(err, errBroken):
			t.Fatalf("broken off at %d: %v", n, err)
		case n > 1:
			m.compareState(t, fmt.Sprint("broken off at ", n), store, false)
			if _, err := s.Step(t.Context(), syncActor, before, r, new(authz.Delta)); codeOf(err) != authz.CodeSyncConflict {
				t.Fatalf("a step after what was broken off: %v", err)
			}
		}
	}
}

func codeOf(err error) string {
	var e *authz.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// localChange makes or revokes something that no sync may touch, or bring back.
func localChange(t *testing.T, w *world, store authz.Store, m *syncModel) {
	t.Helper()
	c := authz.Change{Actor: syncActor, At: time.Now().UTC().Truncate(time.Microsecond), Wait: true}
	ctx, all := t.Context(), append(w.ownIDs(), w.foreignIDs()...)
	switch w.IntN(6) {
	case 0, 1:
		id := pickOf(w, w.ownIDs())
		if _, made := m.own[id]; made {
			return
		}
		k := ownKey(w, id, m.projects)
		_, err := store.CreateKey(ctx, c, k)
		mustDo(t, "create "+id, err)
		m.own[id], w.own = k.Key, append(w.own, id)
	case 2:
		id := pickOf(w, all)
		revoked, err := store.RevokeKey(ctx, c, id)
		if authz.KindOf(err) == authz.NotFound {
			return
		}
		mustDo(t, "revoke "+id, err)
		if _, ours := m.own[id]; ours {
			m.own[id] = revoked.Key
			return
		}
		k := m.keys[id]
		k.revoked = true
		m.keys[id] = k
	case 3, 4:
		s := authz.Session{Digest: apikey.DigestOf(pickOf(w, append(w.tokens(), w.ownToken()))), UserID: pickOf(w, syncUsers), Role: authz.UserRoleUser,
			ExpiresAt: syncStart.Add(5 * time.Hour)}
		known := m.sessions[s.Digest]
		if known.synced {
			return // what Aeroplane told of it is put back by the next sync that is whole
		}
		if _, err := store.PutSession(ctx, c, s); !known.revoked {
			mustDo(t, "put a session", err)
			m.sessions[s.Digest] = modelSession{Session: s}
		}
	case 5:
		digest := apikey.DigestOf(pickOf(w, append(w.tokens(), w.ownToken())))
		if known, ok := m.sessions[digest]; ok {
			_, err := store.RevokeSession(ctx, c, digest)
			mustDo(t, "revoke a session", err)
			known.revoked = true
			m.sessions[digest] = known
		}
	}
}
