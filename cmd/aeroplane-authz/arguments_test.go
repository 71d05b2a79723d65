// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"aeroplane.run/authz/internal/apikey"
)

// TestKeyID gives what people paste for the id of a key.
func TestKeyID(t *testing.T) {
	t.Parallel()
	key := apikey.Mint()
	whole := key.Secret.Reveal()
	imported := "ap_12345678_" + strings.Repeat("s", 43)
	for _, c := range []struct{ text, want string }{
		{key.ID, key.ID},
		{key.Prefix, key.ID},
		{whole, key.ID},
		{" " + whole + "\n", key.ID},
		{"an-id-of-another-form", "an-id-of-another-form"},
		{"ap_12345678", "ap_12345678"}, // what is displayed of an imported key

		{whole[:len(whole)-1], ""},
		{whole + "x", ""},
		{"Bearer " + whole, ""},
		{key.Prefix + "_", ""},
		{key.Prefix + "_abc", ""},
		{imported, ""},
	} {
		got, err := keyID(c.text)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v, want %q", c.text, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), whole[20:30]) {
			t.Errorf("%q is repeated: %v", c.text, err)
		}
	}
}
