// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// requested is a new key, made anew for a request that may be a repeated one.
func requested(id, requestID, what string) authz.NewKey {
	k := newKey(id, "ada")
	k.RequestID, k.Fingerprint = requestID, digest(what)
	return k
}

func requestIDRepeats(t *testing.T, f *fixture) {
	first := requested("first", "request", "this")
	f.create(t, first)
	repeat := func(id string) {
		t.Helper()
		made, err := f.CreateKey(t.Context(), at(time.Hour), requested(id, "request", "this"))
		if err != nil || !made.Replayed || made.Key.ID != "first" {
			t.Fatalf("key %q, replayed %v, %v", made.Key.ID, made.Replayed, err)
		}
		_, err = f.Key(t.Context(), id)
		refused(t, "the key of a repeat", err, authz.NotFound)
		if facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(id)}); facts.Key != nil {
			t.Error("the secret of a repeat is good")
		}
	}
	repeat("second")
	if _, err := f.RevokeKey(t.Context(), at(0), "first"); err != nil {
		t.Fatal(err)
	}
	repeat("third")

	f.create(t, requested("other", "Request", "this"), newKey("none", ""), newKey("none-either", ""))
}

func requestIDClash(t *testing.T, f *fixture) {
	f.create(t, requested("first", "request", "this"))
	events := f.recorded(t, func() {
		_, err := f.CreateKey(t.Context(), at(0), requested("second", "request", "that"))
		refused(t, "another fingerprint", err, authz.FailedPrecondition)
	})
	same(t, "events", events, []authz.Event{})
	same(t, "keys", f.keyIDs(t, anyKey), []string{"first"})

	// A request that failed is not remembered.
	bad := requested("bad", "failed", "that")
	bad.Projects = authz.ProjectScope{IDs: []string{"unknown"}}
	_, err := f.CreateKey(t.Context(), at(0), bad)
	refused(t, "an unknown project", err, authz.Invalid)
	f.create(t, requested("good", "failed", "this"))
}

func requestIDConcurrent(t *testing.T, f *fixture) {
	const callers = 16
	var returned [callers]string
	var replays [callers]bool
	events := f.recorded(t, func() {
		together(callers, func(i int) {
			made, err := f.CreateKey(t.Context(), at(0), requested(fmt.Sprint("k", i), "request", "this"))
			if err != nil {
				t.Errorf("CreateKey: %v", err)
			}
			returned[i], replays[i] = made.Key.ID, made.Replayed
		})
	})
	keys := f.keyIDs(t, anyKey)
	if len(keys) != 1 || len(events) != 1 {
		t.Fatalf("keys %v, %d events, want one of each", keys, len(events))
	}
	for i, id := range returned {
		if id != keys[0] || replays[i] == (fmt.Sprint("k", i) == keys[0]) {
			t.Errorf("caller %d: key %q, replayed %v; the key is %q", i, id, replays[i], keys[0])
		}
	}
}
