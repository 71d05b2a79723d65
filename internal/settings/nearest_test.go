// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"testing"

	"aeroplane.run/authz/internal/settings"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"keys", "serve", "create", "AEROPLANE_AUTHZ_TOKEN", "AEROPLANE_AUTHZ_LISTEN"}
	for _, c := range []struct{ word, want string }{
		{"kyes", "keys"},
		{"key", "keys"},
		{"crate", "create"},
		{"AEROPLANE_AUTHZ_LISTN", "AEROPLANE_AUTHZ_LISTEN"},
		{"AEROPLANE_AUTHZ_ZZZZZ", ""}, // what names have in common counts for nothing
		{"AEROPLANE_AUTHZ_REGION", ""},
		{"ls", ""},
		{"kas", ""},
		{"stop", ""},
	} {
		if got := settings.Nearest(c.word, known); got != c.want {
			t.Errorf("%s: %q, want %q", c.word, got, c.want)
		}
	}
}
