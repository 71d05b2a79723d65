// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Bounds of what the echo takes. Beyond them it closes the connection.
const (
	maxHead        = 1 << 20 // bytes
	maxBody        = 1 << 20 // bytes
	maxConnections = 256
	maxArrivals    = 10_000
	idle           = 2 * time.Minute // between requests, and for one
)

// echoHeader marks the echo's answers: they are the only ones that the doctor wants from behind the gateway.
const echoHeader = "X-Aeroplane-Authz-Doctor"

// An echo is an HTTP/1 upstream that keeps what reached it, byte by byte, and answers with it.
type echo struct {
	run *regexp.Regexp // what a request of this run has somewhere in its head

	mu       sync.Mutex // guards what follows
	arrivals []arrival
	conns    map[net.Conn]struct{}
	closed   bool

	l    net.Listener
	done sync.WaitGroup
}

// An arrival is a request of this run.
type arrival struct {
	id string
	Message
}

// serveEcho answers on a listener, which it closes in the end, and keeps requests that hold an id of the run.
func serveEcho(l net.Listener, run *regexp.Regexp) *echo {
	e := &echo{run: run, l: l, conns: make(map[net.Conn]struct{})}
	e.done.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				time.Sleep(10 * time.Millisecond) // out of descriptors, for a moment
				continue
			}
			if !e.enter(conn) {
				_ = conn.Close()
				continue
			}
			e.done.Go(func() {
				defer e.leave(conn)
				e.converse(conn)
			})
		}
	})
	return e
}

func (e *echo) enter(conn net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.conns) >= maxConnections {
		return false
	}
	e.conns[conn] = struct{}{}
	return true
}

func (e *echo) leave(conn net.Conn) {
	_ = conn.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, conn)
}

// close ends all connections and waits for what serves them.
func (e *echo) close() {
	_ = e.l.Close()
	e.mu.Lock()
	e.closed = true
	for conn := range e.conns {
		_ = conn.Close()
	}
	e.mu.Unlock()
	e.done.Wait()
}

// arrived returns what has arrived, by id.
func (e *echo) arrived() map[string][]Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	by := make(map[string][]Message)
	for _, a := range e.arrivals {
		by[a.id] = append(by[a.id], a.Message)
	}
	return by
}

// converse answers one request after the other. What is left of a request whose end the gateway saw elsewhere is the next one.
func (e *echo) converse(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		_ = conn.SetDeadline(time.Now().Add(idle))
		head, err := readHead(r)
		if err != nil {
			return
		}
		m := parse(head)
		_ = conn.SetDeadline(time.Now().Add(patience))
		bodyErr := m.readBody(r)
		id := e.run.FindString(string(head))
		e.keep(id, m) // before the answer: whoever has that finds it here
		last := bodyErr != nil || m.closes()
		if _, err := io.WriteString(conn, respond(&m, id, last)); err != nil || last {
			return
		}
	}
}

func (e *echo) keep(id string, m Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id != "" && len(e.arrivals) < maxArrivals {
		e.arrivals = append(e.arrivals, arrival{id, m})
	}
}

// respond tells a request what of it arrived. Bytes beyond ASCII are told as the characters of that number.
func respond(m *Message, id string, last bool) string {
	latin := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			b.WriteRune(rune(s[i]))
		}
		return b.String()
	}
	lines := []string{}
	for _, l := range m.all() {
		lines = append(lines, latin(l.Name+": "+l.Value))
	}
	body, err := json.Marshal(map[string]any{"method": latin(m.Method), "target": latin(m.Target), "version": latin(m.Version), "lines": lines})
	if err != nil {
		panic(err) // it is all text
	}
	more := ""
	if last {
		more = "Connection: close\r\n"
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s: %s\r\nContent-Length: %d\r\n%s\r\n", echoHeader, id, len(body), more)
	if m.Method == "HEAD" {
		return head
	}
	return head + string(body)
}

// closes reports whether the connection ends with this request.
func (m *Message) closes() bool {
	return m.Version != "HTTP/1.1" || m.Method == "CONNECT" ||
		strings.Contains(strings.ToLower(strings.Join(m.values("connection"), ",")), "close")
}

// readHead reads up to an empty line. Empty lines before it are skipped, as servers do.
func readHead(r *bufio.Reader) (head []byte, err error) {
	for {
		line, err := readLine(r, maxHead-len(head))
		switch {
		case err != nil:
			return nil, err
		case strings.Trim(line, "\r\n") != "":
			head = append(head, line...)
		case len(head) > 0:
			return head, nil
		}
	}
}

var errTooLong = errors.New("more than the echo takes")

// readLine reads a line with its end, of so many bytes at most.
func readLine(r *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if line = append(line, piece...); len(line) > most {
			return "", errTooLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(line), err
		}
	}
}
