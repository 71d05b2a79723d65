// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bufio"
	"net"
	"testing"
	"time"
)

// What came is told of once, whether or not the driver takes it in, and what it leaves behind is told of as well.
func TestWire(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	defer server.Close()
	w := &wire{Conn: client, ahead: bufio.NewReaderSize(client, 16)}
	defer w.Close()
	send := func(text string) {
		go func() { _, _ = server.Write([]byte(text)) }()
	}
	wait := func(want bool) {
		t.Helper()
		limit := time.Minute
		if !want {
			limit = 10 * time.Millisecond
		}
		if came, err := w.wait(limit); came != want || err != nil {
			t.Fatalf("came: %v, %v", came, err)
		}
	}
	read := func(want string) {
		t.Helper()
		for _, b := range []byte(want) {
			got := make([]byte, 8)
			if n, err := w.Read(got); n != 1 || got[0] != b || err != nil {
				t.Fatalf("read %q, %v; want %q", got[:n], err, b)
			}
		}
	}
	wait(false)
	send("abc")
	wait(true)
	wait(false) // it was told of
	send("de")
	wait(true)
	if w.filling() {
		t.Fatal("5 bytes of 16 are not half of them")
	}
	read("ab")
	wait(false)
	send("fgh")
	read("cde")
	read("f") // as a reply is read that was sent with what comes behind it
	wait(true)
	send("ijklmnop")
	wait(true)
	if !w.filling() {
		t.Fatal("10 bytes of 16 are more than half of them")
	}
	read("ghijklmnop")
	wait(false)
}
