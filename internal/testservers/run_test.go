// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

func TestRunClearsUpWhateverFails(t *testing.T) {
	var order []string
	var dir string
	err := testservers.Run(t.Context(), "program", func(p testing.TB) {
		dir = p.TempDir()
		p.Cleanup(func() { order = append(order, "first") })
		p.Cleanup(func() { p.Fatal("in between") })
		p.Cleanup(func() {
			order = append(order, "last")
			if p.Context().Err() == nil {
				t.Error("the context outlives what it is for")
			}
		})
		p.Error("went on")
		p.Fatalf("ended: %d", 1)
		order = append(order, "never")
	})
	if want := "went on\nended: 1\nin between"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if want := []string{"last", "first"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := testservers.Run(ctx, "program", func(p testing.TB) {
		if cancel(); p.Context().Err() == nil {
			t.Error("the context goes on")
		}
		if p.Failed() || p.Name() != "program" {
			t.Error(p.Failed(), p.Name())
		}
	}); err != nil {
		t.Error(err)
	}
	if err := testservers.Run(t.Context(), "program", func(p testing.TB) { p.Skip("absent") }); err == nil {
		t.Error("what is missing was skipped")
	}
}
