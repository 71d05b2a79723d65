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
	text := "ap_aB3-_zzz_" + strings.Repeat("x-_9", 10) + "abc"
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
		change := authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "import"}, At: now}
		if _, _, err := f.store.CreateKey(t.Context(), change, authz.NewKey{Digest: apikey.DigestOf(text), Key: authz.Key{
			ID: "the-id-that-aeroplane-gave-it", Prefix: text[:11], Name: "imported", UserID: "u-owner", Access: authz.Write,
			Projects: authz.ProjectScope{IDs: []string{id("projectA")}}, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}}); err != nil {
			t.Fatal(err)
		}
		ask("stored", "PATCH", ok)
		f.clock.Add(3601)
		ask("expired", "PATCH", invalidKey)
		f.clock.Add(-3601)
		if _, _, err := f.store.RevokeKey(t.Context(), change, "the-id-that-aeroplane-gave-it"); err != nil {
			t.Fatal(err)
		}
		ask("revoked", "PATCH", invalidKey)
	})
}
