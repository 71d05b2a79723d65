// SPDX-License-Identifier: Apache-2.0

package faultproxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
)

// patience is how long a test waits before it fails.
const patience = 10 * time.Second

// serve runs a server that handles each connection in a goroutine of its own, and returns its address. All of it ends with
// the test.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// echo runs a server that says everything again, each piece behind a prefix.
func echo(t *testing.T, prefix string) string {
	return serve(t, func(c net.Conn) {
		piece := make([]byte, 64<<10)
		for {
			n, err := c.Read(piece)
			if err != nil {
				return
			}
			if _, err := c.Write(append([]byte(prefix), piece[:n]...)); err != nil {
				return
			}
		}
	})
}

func listen(t *testing.T, routes ...faultproxy.Route) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Listen(routes...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *faultproxy.Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// dialAgain dials until a connection is not refused.
func dialAgain(t *testing.T, p *faultproxy.Proxy) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			continue
		}
		_ = c.SetDeadline(deadline)
		if _, err := c.Write([]byte("?")); err == nil {
			if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
				t.Cleanup(func() { _ = c.Close() })
				return c
			}
		}
		_ = c.Close()
	}
	t.Fatal("every connection was refused")
	return nil
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func expect(t *testing.T, c net.Conn, text, want string) {
	t.Helper()
	send(t, c, text)
	receive(t, c, want)
}

func mustBeReset(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes, %v, want a reset", n, err)
	}
}

// mustBeRefused finds a new connection to be reset, be it so soon that it is not even made.
func mustBeRefused(t *testing.T, p *faultproxy.Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	mustBeReset(t, c)
}

func mustBeSilent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(instant))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v, want silence", n, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
}

func beginsWith(text string) faultproxy.Match {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(text)) }
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
