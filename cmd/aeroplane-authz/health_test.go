// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// TestReachable lists where a probe finds a server that listens.
func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":8460":                 "127.0.0.1:8460",
		"0.0.0.0:8460":          "127.0.0.1:8460",
		"[::ffff:0.0.0.0]:8460": "127.0.0.1:8460",
		"[::]:8460":             "[::1]:8460",
		"127.0.0.2:1":           "127.0.0.2:1",
		"192.0.2.1:1":           "192.0.2.1:1",
		"localhost:1":           "localhost:1",
	} {
		if got, err := reachable(listen); err != nil || got != want {
			t.Errorf("reachable(%q) = %q, %v, want %q", listen, got, err, want)
		}
	}
	if got, err := reachable("8460"); err == nil {
		t.Errorf("reachable without a host is %q", got)
	}
}
