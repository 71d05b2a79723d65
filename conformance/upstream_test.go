// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

// startUpstream starts a server that tells what reached it: the answer's body is the request's line and headers, as they came, and its
// header X-Reached the line. It returns its address.
func startUpstream(t *testing.T) string {
	t.Helper()
	return testservers.Serve(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); tell(conn, in); {
		}
	})
}

// tell answers one request, and reports whether there may be another.
func tell(to io.Writer, in *bufio.Reader) bool {
	var head strings.Builder
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			break
		}
		head.WriteString(line)
		if name, value, _ := strings.Cut(line, ":"); textproto.CanonicalMIMEHeaderKey(name) == "Content-Length" {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	if _, err := io.CopyN(io.Discard, in, int64(length)); err != nil {
		return false
	}
	line, _, _ := strings.Cut(head.String(), " HTTP/")
	body := head.String()
	if strings.HasPrefix(line, "HEAD ") {
		body = ""
	}
	_, err := fmt.Fprintf(to, "HTTP/1.1 200 OK\r\nX-Reached: %s\r\nContent-Length: %d\r\n\r\n%s", digest(line), len(body), body)
	return err == nil
}
