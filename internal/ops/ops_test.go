// SPDX-License-Identifier: Apache-2.0

package ops_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/ops"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A listener that runs until the test ends, or Close is called.
type listener struct {
	*ops.Server
	addr  string
	ready atomic.Pointer[error] // what Ready says
}

func start(t *testing.T) *listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &listener{addr: l.Addr().String()}
	s.Server = ops.Serve(l, ops.Config{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "counted 1\n") }),
		Ready: func() error {
			if err := s.ready.Load(); err != nil {
				return *err
			}
			return nil
		},
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// ask sends bytes and returns the status and the body of the answer.
func (s *listener) ask(t *testing.T, request string) (status int, body string, header http.Header) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

// TestAnswers lists what is asked, and what is answered.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		request string // up to the version
		status  int
		body    string // its beginning
	}{
		{"GET /metrics", 200, "counted 1\n"},
		{"GET /healthz", 200, "alive\n"},
		{"GET /readyz", 200, "ready\n"},
		{"GET /readyz?verbose", 200, "ready\n"},
		{"HEAD /healthz", 200, ""},
		{"HEAD /metrics", 200, ""},
		{"POST /metrics", 405, ""},
		{"PUT /healthz", 405, ""},
		{"OPTIONS /readyz", 405, ""},
		{"DELETE /readyz", 405, ""},
		{"GET /", 404, ""},
		{"GET /readyz/", 404, ""},
		{"GET /debug/pprof/", 404, ""},
		{"POST /", 404, ""},
		{"PRI *", 400, ""},
	} {
		status, body, header := s.ask(t, c.request+" HTTP/1.1\r\nHost: probe.test\r\n\r\n")
		if status != c.status || !strings.HasPrefix(body, c.body) {
			t.Errorf("%s: %d %q, want %d %q", c.request, status, body, c.status, c.body)
		}
		if status == 405 && header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow is %q", c.request, header.Get("Allow"))
		}
	}
}

// TestReadyz turns readiness off and on. Whatever it says, the process lives.
func TestReadyz(t *testing.T) {
	t.Parallel()
	s := start(t)
	const probe = " HTTP/1.1\r\nHost: probe.test\r\n\r\n"
	for _, why := range []string{"no lease", ""} {
		s.ready.Store(nil)
		want, line := 200, "ready\n"
		if why != "" {
			err := errors.New(why)
			s.ready.Store(&err)
			want, line = 503, why+"\n"
		}
		status, body, header := s.ask(t, "GET /readyz"+probe)
		if status != want || body != line || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: readyz is %d %q, %v", why, status, body, header)
		}
		if status, _, _ := s.ask(t, "GET /healthz"+probe); status != 200 {
			t.Errorf("%q: healthz is %d", why, status)
		}
	}
}

// TestHeadersAreBounded sends more than a probe ever would.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t)
	fits := "GET /healthz HTTP/1.1\r\nHost: probe.test\r\nX-Filler: " + strings.Repeat("x", 4<<10) + "\r\n\r\n"
	if status, _, _ := s.ask(t, fits); status != 200 {
		t.Errorf("4 KiB of headers: %d", status)
	}
	tooMuch := "GET /healthz HTTP/1.1\r\nHost: probe.test\r\nX-Filler: " + strings.Repeat("x", 12<<10)
	if status, _, _ := s.ask(t, tooMuch); status != 431 {
		t.Errorf("12 KiB of headers: %d", status)
	}
}

// TestClose closes while a client keeps its connection, and another is in the middle of a request.
func TestClose(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, sent := range []string{"", "GET /healthz HTTP/1.1\r\nHost:"} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}
