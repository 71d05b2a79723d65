// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// A speech is a connection on which a server says something.
type speech struct {
	net.Conn
	io.Reader
}

func (s speech) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s speech) Write(b []byte) (int, error) { return len(b), nil }
func (s speech) Close() error                { return nil }

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, said string
		too        bool
	}{
		{"an entry", "$5\r\nhello\r\n", false},
		{"an entry of what looks like lengths", "$14\r\n$99999999999\r\n\r\n+OK\r\n", false},
		{"no entry", "$-1\r\n", false},
		{"nothing", "$0\r\n\r\n", false},
		{"a list in a list", "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", false},
		{"a long line", "+" + strings.Repeat("x", 10_000) + "\r\n", false},
		{"words", "-ERR $99999999999\r\n", false},
		{"the largest entry", "$4194304\r\n", false},
		{"a larger one", "$4194305\r\n", true},
		{"one larger than memory", "$99999999999999\r\n", true},
		{"one larger than a number", "$99999999999999999999999999\r\n", true},
		{"another kind of text", "=9999999\r\n", true},
		{"an error", "!9999999\r\n", true},
		{"a long list", "*1048577\r\n", true},
		{"a set", "~1048577\r\n", true},
		{"a map of half as many", "%524289\r\n", true},
		{"lists in lists", strings.Repeat("*1000\r\n", 2000), true},
		{"a text and then a list", "$1\r\nx\r\n*9999999\r\n", true},
		{"a length that is none", "$x\r\n", true},
		{"a length below none", "*-2\r\n", true},
		{"a line of nothing but digits", "$" + strings.Repeat("0", 100) + "1\r\n", true},
		{"without end", strings.Repeat("+OK\r\n", maxReply/5+1), true},
		{"on one line without end", "+" + strings.Repeat("x", maxReply), true},
	} {
		for how, read := range map[string]io.Reader{
			"at once": strings.NewReader(c.said), "byte by byte": iotest.OneByteReader(strings.NewReader(c.said)),
		} {
			if len(c.said) > 1<<20 && how == "byte by byte" {
				continue // which takes a while
			}
			said, err := io.ReadAll(&guard{Conn: speech{Reader: read}})
			if errors.Is(err, errTalkative) != c.too || !c.too && string(said) != c.said {
				t.Errorf("%s, %s: %d bytes, %v", c.what, how, len(said), err)
			}
		}
	}
}

// TestGuardForgets lets a server say as much again once it is asked again.
func TestGuardForgets(t *testing.T) {
	t.Parallel()
	reply := append([]byte("*1\r\n$4000000\r\n"), bytes.Repeat([]byte{'x'}, 4_000_000)...)
	reply = append(reply, "\r\n"...)
	g := &guard{Conn: speech{Reader: bytes.NewReader(bytes.Repeat(reply, 3))}}
	for range 3 {
		if _, err := g.Write([]byte("GET")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, g, int64(len(reply))); err != nil {
			t.Fatal(err)
		}
	}
}
