// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for head, want := range map[string]Message{
		"GET /a?b HTTP/1.1\r\nHost: h\r\nA:  b \t\r\n\r\n": {Method: "GET", Target: "/a?b", Version: "HTTP/1.1", Lines: []Line{{"Host", "h"}, {"A", "b"}}},
		"GET  /a HTTP/1.1\r\n\r\n":                         {Method: "GET", Target: " /a", Version: "HTTP/1.1"},
		"GET /a  HTTP/1.1\r\n\r\n":                         {Method: "GET", Target: "/a ", Version: "HTTP/1.1"},
		"GET\t/a b HTTP/1.1\r\n\r\n":                       {Method: "GET", Target: "/a b", Version: "HTTP/1.1"},
		"GET /a http/1.1\n\n":                              {Method: "GET", Target: "/a", Version: "http/1.1"},
		"GET /a\n\n":                                       {Method: "GET", Target: "/a"},
		" /a HTTP/1.1\r\n\r\n":                             {Target: "/a", Version: "HTTP/1.1"},
		"GET\r\n\r\n":                                      {Method: "GET"},
		"\xff /\x00\xfe HTTP/1.1\r\n\xfd: \xfc\r\n\r\n":    {Method: "\xff", Target: "/\x00\xfe", Version: "HTTP/1.1", Lines: []Line{{"\xfd", "\xfc"}}},
		"GET / HTTP/1.1\r\nA : b\r\n: c\r\nd\r\n\r\n":      {Method: "GET", Target: "/", Version: "HTTP/1.1", Lines: []Line{{"A ", "b"}, {"", "c"}, {"d", ""}}},
		"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n d\r\nE:\r\n f\r\n\r\n": {Method: "GET", Target: "/", Version: "HTTP/1.1",
			Lines: []Line{{"A", "b c d"}, {"E", "f"}}},
		"GET / HTTP/1.1\r\nA: b\rC: d\r\nE: f\nG: h\r\n\r\n": {Method: "GET", Target: "/", Version: "HTTP/1.1",
			Lines: []Line{{"A", "b\rC: d"}, {"E", "f"}, {"G", "h"}}},
	} {
		if diff := cmp.Diff(want, parse([]byte(head))); diff != "" {
			t.Errorf("%q\n(-want +got):\n%s", head, diff)
		}
	}
}

func TestAmbiguous(t *testing.T) {
	for head, want := range map[string][]string{
		"Content-Length: 1\r\nHost: a":                             nil,
		"Transfer-Encoding: Chunked":                               nil,
		"Content-Length: 1\r\nContent-Length: 1":                   nil,
		"Content-Length: 1\r\nTransfer-Encoding: chunked":          {"both Content-Length and Transfer-Encoding arrived"},
		"Transfer-Encoding: chunked, chunked":                      {"a Transfer-Encoding other than chunked arrived"},
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": {"a Transfer-Encoding other than chunked arrived"},
		"Content-Length: 1\r\nContent-Length: 2":                   {"two Content-Lengths arrived that differ"},
		"Content-Length: +1":                                       {"a Content-Length arrived that is no number, or too large: +1"},
		"Host: a\r\nHOST: a":                                       {"two Hosts arrived"},
		"A: b\rC: d":                                               {"a header line with a carriage return or a null byte in it arrived"},
		"A\t: b":                                                   {"a header arrived whose name has blanks around it, or is empty"},
	} {
		m := parse([]byte("GET / HTTP/1.1\r\n" + head + "\r\n\r\n"))
		if diff := cmp.Diff(want, m.ambiguous()); diff != "" {
			t.Errorf("%q\n(-want +got):\n%s", head, diff)
		}
	}
}
