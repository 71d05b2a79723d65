// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// A key of Aeroplane's own form is refused until it is stored, and then is a key like any other.
func TestImportedKey(t *testing.T) {
	text, old := "ap_aB3-_zzz_"+strings.Repeat("x-_9", 10)+"abc", "ap_aB3-_old_"+strings.Repeat("x-_9", 10)+"abc"
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		ask := func(when, method, want string) {
			t.Helper()
			if got := outcome(f.ask(method, "/api/projects/{projectA.id}", headersOf("Bearer "+text), nil)); got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		ask("before it is stored", "PATCH", invalidKey)

		now := time.Now().UTC().Truncate(time.Microsecond)
		change := authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "import"}, At: now, Wait: true}
		selected := id("projectA")
		store := func(id, text string, expires time.Time) {
			t.Helper()
			if _, err := f.store.CreateKey(t.Context(), change, authz.NewKey{Digest: apikey.DigestOf(text), Key: authz.Key{
				ID: id, Prefix: text[:11], Name: "imported", UserID: "u-owner", Access: authz.Write,
				Projects: authz.ProjectScope{IDs: []string{selected}}, CreatedAt: now, ExpiresAt: expires,
			}}); err != nil {
				t.Fatal(err)
			}
		}
		store("the-id-that-aeroplane-gave-it", text, now.Add(time.Hour))
		ask("stored", "PATCH", ok)
		if _, err := f.store.RevokeKey(t.Context(), change, "the-id-that-aeroplane-gave-it"); err != nil {
			t.Fatal(err)
		}
		ask("revoked", "PATCH", invalidKey)
		store("another", old, now)
		if got := outcome(f.ask("PATCH", "/api/projects/{projectA.id}", headersOf("Bearer "+old), nil)); got != invalidKey {
			t.Errorf("expired: %q", got)
		}
	})
}
