// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"testing"
)

// TestPlaintextStaysHere dials a listener on loopback, and one on an address that other machines can reach: whatever a
// name was resolved to before, plaintext does not go there.
func TestPlaintextStaysHere(t *testing.T) {
	t.Parallel()
	dial := func(t *testing.T, ip string) error {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		conn, err := dialLoopback(t.Context(), l.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	if err := dial(t, "127.0.0.1"); err != nil {
		t.Errorf("loopback: %v", err)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if a, ok := addr.(*net.IPNet); ok && a.IP.To4() != nil && !a.IP.IsLoopback() {
			if dial(t, a.IP.String()) == nil {
				t.Errorf("%v was dialled in plaintext", a.IP)
			}
			return
		}
	}
	t.Skip("this machine has no address but loopback")
}
