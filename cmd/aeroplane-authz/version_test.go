// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// TestVersionOfTheLinker sets what an image's build sets, which knows better than the module does.
func TestVersionOfTheLinker(t *testing.T) {
	if thisBuild().Version == "" {
		t.Error("a build without a version has no word for that")
	}
	version = "v1.2.3"
	defer func() { version = "" }()
	if got := thisBuild().Version; got != version {
		t.Errorf("version is %q", got)
	}
}
