// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/spf13/cobra"
)

// TestUnknownSetting gives a command a flag of a setting that does not exist, which is a mistake in the program.
func TestUnknownSetting(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
	}()
	withSettings(new(cobra.Command), 0, "lisetn")
}
