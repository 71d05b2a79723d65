// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func startEcho(t *testing.T) (*echo, gateway) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := serveEcho(l, regexp.MustCompile("run-[0-9]+"))
	t.Cleanup(e.close)
	return e, gateway{address: l.Addr().String()}
}

// What is sent arrives byte by byte, and the answer says so.
func TestEchoOfOddBytes(t *testing.T) {
	t.Parallel()
	e, g := startEcho(t)
	for request, want := range map[string]Message{
		"GET /run-1/%2e%2E//\xff\x00;? HTTP/1.1\r\nx_A.b:\tc \r\nX_A.b: \xfe\r\n\r\n": {
			Method: "GET", Target: "/run-1/%2e%2E//\xff\x00;?", Version: "HTTP/1.1", Lines: []Line{{"x_A.b", "c"}, {"X_A.b", "\xfe"}}},
		"HEAD /run-2 HTTP/1.1\r\n\r\n": {Method: "HEAD", Target: "/run-2", Version: "HTTP/1.1"},
		"\r\n\r\nget * HTTP/1.0\nA : run-3\n b\n\n": {
			Method: "get", Target: "*", Version: "HTTP/1.0", Lines: []Line{{"A ", "run-3 b"}}},
		"GET /run-4\r\n\r\n": {Method: "GET", Target: "/run-4"},
		"POST /run-5 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n": {
			Method: "POST", Target: "/run-5", Version: "HTTP/1.1", Lines: []Line{{"Transfer-Encoding", "chunked"}}, Trailers: []Line{{"A", "b"}}},
		"POST /run-6 HTTP/1.1\r\nContent-Length: x\r\n\r\n": {
			Method: "POST", Target: "/run-6", Version: "HTTP/1.1", Lines: []Line{{"Content-Length", "x"}}},
	} {
		id := e.run.FindString(request)
		answer, err := g.send(t.Context(), []byte(request), want.Method)
		if err != nil || answer.Status != 200 || answer.Echoed != id {
			t.Errorf("%q: %+v, %v", request, answer, err)
		}
		if diff := cmp.Diff([]Message{want}, e.arrived()[id]); diff != "" {
			t.Errorf("%q\n(-want +got):\n%s", request, diff)
		}
		if want.Method == "HEAD" {
			if answer.Body != "" || answer.Header.Get("Content-Length") == "0" {
				t.Errorf("HEAD: %+v", answer)
			}
			continue
		}
		var told struct{ Method, Target string }
		if err := json.Unmarshal([]byte(answer.Body), &told); err != nil || told.Method != want.Method || len([]rune(told.Target)) != len(want.Target) {
			t.Errorf("%q: %s, %v", request, answer.Body, err)
		}
	}
}

// One connection carries many requests, and what is behind a body is the next of them.
func TestEchoKeepsConnections(t *testing.T) {
	t.Parallel()
	e, g := startEcho(t)
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /run-1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /run-2 HTTP/1.1\r\n\r\nPOST /run-3 HTTP/1.1\r\n"+
		"Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /run-4 HTTP/1.1\r\nConnection: close\r\n\r\nGET /run-5 HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for _, want := range []string{"run-1", "run-2", "run-3", "run-4"} {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.Header.Get(echoHeader) != want {
			t.Errorf("%v, %v, want %s", response.Header, err, want)
		}
	}
	if rest, err := io.ReadAll(r); err != nil && !strings.Contains(err.Error(), "reset") || len(rest) > 0 {
		t.Errorf("%q, %v: it was to be closed", rest, err)
	}
	if got := e.arrived(); len(got) != 4 {
		t.Errorf("%v arrived", got)
	}
}

// What is not of the run is answered, for probes of health, and not kept.
func TestEchoKeepsItsRunOnly(t *testing.T) {
	t.Parallel()
	e, g := startEcho(t)
	answer, err := g.send(t.Context(), []byte("GET /health HTTP/1.1\r\n\r\n"), "GET")
	if err != nil || answer.Status != 200 || answer.Echoed != "" || len(e.arrived()) != 0 {
		t.Errorf("%+v, %v, %v", answer, err, e.arrived())
	}
	if answer, err := g.send(t.Context(), []byte("GET /run-1"+strings.Repeat("a", maxHead)+" HTTP/1.1\r\n\r\n"), "GET"); err != nil || answer.Status != 0 {
		t.Errorf("a head that is too long: %+v, %v", answer, err)
	}
}

// A server that does not answer, and one that is not there.
func TestSendWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if strings.Contains(line, "garbage") {
				_, _ = io.WriteString(conn, "hello\r\n\r\n")
			}
			_ = conn.Close()
		}
	}()
	g := gateway{address: l.Addr().String()}
	for request, want := range map[string]string{"garbage\n": "no answer in HTTP/1", "nothing\n": "the connection was closed without an answer"} {
		if answer, err := g.send(t.Context(), []byte(request), "GET"); err != nil || answer.Status != 0 || answer.None != want {
			t.Errorf("%q: %+v, %v", request, answer, err)
		}
	}
	_ = l.Close()
	if _, err := g.send(t.Context(), []byte("GET / HTTP/1.1\r\n\r\n"), "GET"); err == nil {
		t.Error("nobody listens, and there is no error")
	}
}
