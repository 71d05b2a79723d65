// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

// What a server may say until it is asked again. go-redis makes room for whatever length a server announces, before the
// first byte of it is there, so one line of a server gone bad could take all memory, or more than there is.
const (
	maxReply    = 4 << 20 // bytes, together
	maxElements = 1 << 20 // of all lists, together
)

var errTalkative = errors.New("the server said more than it was asked")

// A guard is a connection that ends when the server announces or says more than it may.
//
// It follows the protocol just as far as that takes: a line that begins with $, = or ! announces a text of so many bytes,
// and one with *, %, ~, > or | a list of so many elements, each of which has a line of its own.
type guard struct {
	net.Conn
	text     int      // bytes that are still to come of a text, the end of its line included
	line     [24]byte // the beginning of the line that is being read
	length   int      // of the line, so far
	said     int      // bytes since we wrote last
	elements int      // announced since we wrote last
}

// Write writes, and lets the server say something new.
func (g *guard) Write(b []byte) (int, error) {
	g.said, g.elements = 0, 0
	return g.Conn.Write(b)
}

// Read reads, and returns nothing more once the server has said too much.
func (g *guard) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if g.said += n; g.said > maxReply || !g.follow(b[:n]) {
		_ = g.Conn.Close()
		return 0, errTalkative
	}
	return n, err
}

// follow follows what the server says. It reports false if that is too much.
func (g *guard) follow(b []byte) bool {
	for len(b) > 0 {
		if g.text > 0 {
			n := min(g.text, len(b))
			g.text, b = g.text-n, b[n:]
			continue
		}
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if g.length < len(g.line) {
			copy(g.line[g.length:], line)
		}
		g.length += len(line)
		b = rest
		if whole && !g.announce() {
			return false
		}
	}
	return true
}

// announce notes what the line that was read announces. It reports false if that is too much, or no number.
func (g *guard) announce() bool {
	length := g.length
	g.length = 0
	line := bytes.TrimSuffix(g.line[:min(length, len(g.line))], []byte{'\r'})
	if len(line) == 0 || !bytes.ContainsAny(line[:1], "$=!*%~>|") {
		return true
	}
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n < -1 || length > len(g.line) {
		return false
	}
	switch line[0] {
	case '$', '=', '!':
		g.text = n + len("\r\n")
		if n < 0 {
			g.text = 0 // none, and no second line
		}
		return n <= maxReply
	}
	if line[0] == '%' || line[0] == '|' {
		n *= 2
	}
	g.elements += max(n, 0)
	return n <= maxElements && g.elements <= maxElements
}
