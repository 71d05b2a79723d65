// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"context"
	"net"
	"testing"
)

// Serve gives each connection to serve, in a goroutine of its own, and closes it when serve has returned or the test ends. It returns the
// address on which connections are taken until then.
func Serve(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				defer context.AfterFunc(t.Context(), func() { _ = conn.Close() })()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}
