// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/settings"
)

// With Postgres the data directory holds nothing but the tokens, and is looked at all the same: whoever may change it
// could have put a token there beforehand.
func TestTokensAreNotKeptWhereEverybodyCanChangeThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, source := range tokenSources(&settings.Settings{}) {
		for _, mode := range []os.FileMode{0o777, 0o700, 0o777} { // without a token, then with one
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			callers, err := source.generated(dir)
			if mode == 0o700 {
				if err != nil || len(callers) != 1 {
					t.Errorf("%s: %d callers, %v", source.role, len(callers), err)
				}
			} else if err == nil || !strings.Contains(err.Error(), "everybody can change what is in "+dir) {
				t.Errorf("%s: %v", source.role, err)
			}
		}
	}
}
