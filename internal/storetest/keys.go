// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
)

func keysRoundTrip(t *testing.T, f *fixture) {
	f.projects(t, project("p1", "ada"), project("p2", "ada"), project("p3", ""))
	for _, want := range []authz.NewKey{
		newKey("all", ""),
		newKey("users", "ada"),
		newKey("selected", "ada", "p1", "p2"),
		newKey("selected-nobodys", "", "p1", "p3"),
		{Digest: digest("reader"), Key: authz.Key{ID: "reader", Name: "名前 · it's \"quoted\" \\ %_", Prefix: "ap_x",
			Access: authz.Read, Projects: authz.ProjectScope{All: true}, CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}},
	} {
		made, err := f.CreateKey(t.Context(), at(0), want)
		if err != nil || made.Replayed {
			t.Fatalf("CreateKey %s: replayed %v, %v", want.ID, made.Replayed, err)
		}
		same(t, "CreateKey "+want.ID, made.Key, want.Key)
		same(t, "Key "+want.ID, f.key(t, want.ID), want.Key)
		head, err := f.KeyHead(t.Context(), want.ID)
		same(t, "KeyHead "+want.ID, must(t, head, err), authz.KeyHead{UserID: want.UserID, Digest: want.Digest})
		listed, err := f.Keys(t.Context(), anyKey, everything)
		i := slices.IndexFunc(must(t, listed, err), func(k authz.Key) bool { return k.ID == want.ID })
		if i < 0 {
			t.Fatalf("Keys does not list %s", want.ID)
		}
		same(t, "Keys "+want.ID, listed[i], want.Key)
	}
}

func absentKeys(t *testing.T, f *fixture) {
	f.create(t, newKey("k", ""))
	_, err := f.Key(t.Context(), "K")
	refused(t, "Key", err, authz.NotFound)
	_, err = f.KeyHead(t.Context(), "K")
	refused(t, "KeyHead", err, authz.NotFound)
	_, err = f.RevokeKey(t.Context(), at(0), "K")
	refused(t, "RevokeKey", err, authz.NotFound)
	_, err = f.RevokeSession(t.Context(), at(0), digest("k")) // a key's digest is no session's
	refused(t, "RevokeSession", err, authz.NotFound)
}

func keysAreDistinct(t *testing.T, f *fixture) {
	first := newKey("first", "")
	f.create(t, first)
	for name, k := range map[string]authz.NewKey{
		"id":     {Key: newKey("first", "eve").Key, Digest: digest("second")},
		"digest": {Key: newKey("second", "eve").Key, Digest: first.Digest},
	} {
		if _, err := f.CreateKey(t.Context(), at(0), k); err == nil {
			t.Errorf("a key with the %s of another was stored", name)
		}
	}
	same(t, "keys", f.keyIDs(t, anyKey), []string{"first"})
	same(t, "key", f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: first.Digest}).Key, first.Key.Record())
}

func keyFilters(t *testing.T, f *fixture) {
	f.projects(t, project("adas", "ada"), project("bobs", "bob"), project("nobodys", ""))
	expired := newKey("expired", "ada")
	expired.ExpiresAt = noon.Add(time.Hour)
	revoked := newKey("revoked", "ada")
	both := newKey("both", "ada") // revoked, and past its expiry: that counts as revoked
	both.ExpiresAt = noon.Add(time.Hour)
	f.create(t, newKey("all", ""), newKey("ada-all", "ada"), newKey("bob-all", "bob"), newKey("ada-adas", "ada", "adas"),
		newKey("any-adas", "", "adas"), newKey("any-two", "", "bobs", "nobodys"), expired, revoked, both)
	for _, id := range []string{"revoked", "both"} {
		if _, err := f.RevokeKey(t.Context(), at(time.Minute), id); err != nil {
			t.Fatal(err)
		}
	}
	live := []string{"ada-adas", "ada-all", "all", "any-adas", "any-two", "bob-all"}
	later := noon.Add(time.Hour)
	for _, test := range []struct {
		name   string
		filter authz.KeyFilter
		want   []string
	}{
		{"no state", authz.KeyFilter{Now: later}, nil},
		{"live", authz.KeyFilter{States: []authz.KeyState{authz.Live}, Now: later}, live},
		{"live just before one expires", authz.KeyFilter{States: []authz.KeyState{authz.Live},
			Now: later.Add(-time.Microsecond)}, append([]string{"expired"}, live...)},
		{"expired", authz.KeyFilter{States: []authz.KeyState{authz.Expired}, Now: later}, []string{"expired"}},
		{"revoked", authz.KeyFilter{States: []authz.KeyState{authz.Revoked}, Now: later}, []string{"both", "revoked"}},
		{"over", authz.KeyFilter{States: []authz.KeyState{authz.Expired, authz.Revoked}, Now: later},
			[]string{"both", "expired", "revoked"}},
		{"of ada", authz.KeyFilter{UserID: ptr("ada"), States: allStates[:1], Now: later},
			[]string{"ada-adas", "ada-all"}},
		{"of ada, revoked", authz.KeyFilter{UserID: ptr("ada"), States: allStates[2:], Now: later},
			[]string{"both", "revoked"}},
		{"of nobody", authz.KeyFilter{UserID: ptr(""), States: allStates, Now: later},
			[]string{"all", "any-adas", "any-two"}},
		{"of a stranger", authz.KeyFilter{UserID: ptr("eve"), States: allStates, Now: later}, nil},
		{"by their ids", authz.KeyFilter{IDs: []string{"all", "revoked", "unknown"}, States: allStates, Now: later}, []string{"all", "revoked"}},
		{"by their ids, live", authz.KeyFilter{IDs: []string{"all", "revoked"}, States: allStates[:1], Now: later}, []string{"all"}},
		{"for ada's project", authz.KeyFilter{ProjectID: "adas", States: allStates[:1], Now: later},
			[]string{"ada-adas", "ada-all", "all", "any-adas"}},
		{"for bob's project", authz.KeyFilter{ProjectID: "bobs", States: allStates[:1], Now: later},
			[]string{"all", "any-two", "bob-all"}},
		{"for nobody's project", authz.KeyFilter{ProjectID: "nobodys", States: allStates[:1], Now: later},
			[]string{"all", "any-two"}},
		{"all at once", authz.KeyFilter{ProjectID: "adas", UserID: ptr("ada"), States: allStates[1:], Now: later},
			[]string{"both", "expired", "revoked"}},
	} {
		got := f.keyIDs(t, test.filter)
		slices.Sort(got)
		slices.Sort(test.want)
		same(t, test.name, got, test.want)
	}
}

func tenThousandKeys(t *testing.T, f *fixture) {
	n := 10_000
	if testing.Short() || f.fenced() || f.db.Shared() { // where it would take a minute
		n = 1_000
	}
	var next atomic.Int64
	together(8, func(int) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			k := newKey(fmt.Sprintf("k%05d", i), fmt.Sprintf("u%d", i%4))
			k.CreatedAt = noon.Add(time.Duration(i/10) * time.Microsecond)                                  // ten at each instant
			if _, err := f.CreateKey(t.Context(), authz.Change{Actor: operator, At: noon}, k); err != nil { // nobody waits
				t.Errorf("CreateKey: %v", err)
				return
			}
		}
	})
	filter := anyKey
	var want []string
	for i := n - 1; i >= 0; i-- {
		want = append(want, fmt.Sprintf("k%05d", i))
	}
	same(t, "keys, newest first", pages(t, 997, keyCursor, func(p authz.Page) ([]authz.Key, error) {
		return f.Keys(t.Context(), filter, p)
	}), want)
	byName := authz.KeyFilter{States: allStates, Now: noon, Order: authz.ByName}
	oldest := slices.Sorted(slices.Values(want))
	same(t, "keys, by name", pages(t, 997, namedKeyCursor, func(p authz.Page) ([]authz.Key, error) {
		return f.Keys(t.Context(), byName, p)
	}), oldest)

	facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(want[0])})
	if facts.Key == nil || facts.Key.ID != want[0] {
		t.Errorf("Lookup found %v, want %s", facts.Key, want[0])
	}
	revoked, err := f.RevokeKeysOfUser(t.Context(), at(0), "u3")
	same(t, "revoked", must(t, revoked, err).N, n/4)
	filter.States = []authz.KeyState{authz.Live}
	same(t, "live", len(f.keyIDs(t, filter)), n-n/4)
}
