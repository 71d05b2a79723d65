// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Tool returns the path of what `make .bin/NAME` puts there, in the version that the Makefile names, and ends a test for want of it.
func Tool(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ".bin", name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	missing(t, fmt.Sprintf("no %s was found. Run `make .bin/%[1]s`, which gets it", name))
	return ""
}
