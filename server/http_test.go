// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/server/servertest"
)

// A proxy keeps its connections, over HTTP/1.1, or one over HTTP/2 without TLS.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, version := range []int{1, 2} {
		dialled := 0
		transport := &http.Transport{Protocols: new(http.Protocols), DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled++
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
		transport.Protocols.SetHTTP1(version == 1)
		transport.Protocols.SetUnencryptedHTTP2(version == 2)
		defer transport.CloseIdleConnections()
		for range 3 {
			for target, status := range map[string]int{"/": 200, "/api/projects": 401, "/api//x": 400} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTPAddr+"/forward-auth/caddy", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {target}}
				answer, err := (&http.Client{Transport: transport}).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != status || answer.ProtoMajor != version {
					t.Errorf("%s: %s %d, want %d", target, answer.Proto, answer.StatusCode, status)
				}
			}
		}
		if dialled != 1 {
			t.Errorf("HTTP/%d: %d connections", version, dialled)
		}
	}
}

// What a peer may make the server hold is bounded, and so is how long.
func TestHTTPBounds(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	usual := dialects[0].ask("GET", "/", "")

	if r, _ := raw(t, s.HTTPAddr, usual+"X-A: "+strings.Repeat("a", 100<<10)+"\r\n"); r.StatusCode != 200 {
		t.Errorf("headers of 100 KiB: %d", r.StatusCode)
	}
	if r, _ := raw(t, s.HTTPAddr, usual+"X-A: "+strings.Repeat("a", 140<<10)+"\r\n"); r.StatusCode != 431 {
		t.Errorf("headers of 140 KiB: %d", r.StatusCode)
	}
	// No body is waited for: here none ever comes.
	if r, _ := raw(t, s.HTTPAddr, usual+"Content-Length: 10000000\r\n"); r.StatusCode != 200 {
		t.Errorf("a body that does not come: %d", r.StatusCode)
	}
	// Headers that do not end are waited for, but not for ever.
	conn := dial(t, s.HTTPAddr)
	if _, err := io.WriteString(conn, usual); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
}

// Nor for ever in HTTP/2, where they may come in any number of frames.
func TestHTTP2Bounds(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	conn := dial(t, s.HTTPAddr)
	frame := func(kind, flags, stream byte, payload string) string {
		return string([]byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
	}
	const headers, settings, continuation = 1, 4, 9
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(settings, 0, 0, "")+frame(headers, 0, 1, "\x82")); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			if _, err := io.WriteString(conn, frame(continuation, 0, 1, "\x86")); err != nil {
				return
			}
		}
	}()
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was not closed")
	}
}

// Every page asks, whatever the method is.
func TestHTTPOptions(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	if r, _ := raw(t, s.HTTPAddr, "OPTIONS * HTTP/1.1\r\n"); r.StatusCode != 404 {
		t.Errorf("OPTIONS *: %d", r.StatusCode)
	}
}

// Draining lets the answer that is under way come, closes connections that are kept, and opens no more.
func TestHTTPDrain(t *testing.T) {
	t.Parallel()
	store, arrived, release := waiting(t)
	s := start(t, servertest.Options{Store: store})
	key := s.createKey(t).GetSecret()
	idle := dial(t, s.HTTPAddr)
	ofIdle := bufio.NewReader(idle)
	ask := func(conn net.Conn, target, headers string) {
		if _, err := io.WriteString(conn, dialects[0].ask("GET", target, headers)+"Host: authz.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	ask(idle, "/", "")
	if r, err := http.ReadResponse(ofIdle, nil); err != nil || r.StatusCode != 200 {
		t.Fatalf("%v, %v", r, err)
	}
	busy := dial(t, s.HTTPAddr)
	ofBusy := bufio.NewReader(busy)
	ask(busy, "/api/projects", "X-API-Key: "+key+"\r\n")
	<-arrived
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.HTTP.Drain(ctx)
	}()
	if _, err := ofIdle.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("a connection that is kept: %v", err)
	}
	select {
	case <-drained:
		t.Error("it did not wait for the answer that is under way")
	default:
	}
	close(release)
	if r, err := http.ReadResponse(ofBusy, nil); err != nil || r.StatusCode != 200 {
		t.Errorf("%v, %v", r, err)
	}
	<-drained
	if conn, err := net.Dial("tcp", s.HTTPAddr); err == nil {
		_ = conn.Close()
		t.Error("it accepts connections")
	}
}

// What waits for longer than it may is no decision, and what is under way when time is up is cut off.
func TestHTTPWaiting(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{Store: stuck(t)})
	key := s.createKey(t).GetSecret()
	for _, d := range dialects {
		r, body := raw(t, s.HTTPAddr, d.ask("GET", "/api/projects", fmt.Sprintf("X-API-Key: %s\r\n", key)))
		if d.status(r) != d.wanted(503) {
			t.Errorf("%s: %s %s", d.name, d.status(r), body)
		}
	}
}
