// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// overHTTP is an HTTP/1.1 request for each decision, on connections that are kept, one for each caller. write writes it, and the answer
// allows with 200.
func overHTTP(name, address string, write func(b *bytes.Buffer, in *authzv1.AuthorizeRequest)) form {
	return form{name, func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
		var all []caller
		for i := range callers {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			place, out, in := q.from(i, callers), new(bytes.Buffer), bufio.NewReader(conn)
			all = append(all, func(t *tally) error {
				question := place.next()
				out.Reset()
				write(out, question.request)
				asked := time.Now()
				if _, err := conn.Write(out.Bytes()); err != nil {
					return err
				}
				status, err := readAnswer(in)
				if err != nil {
					return err
				}
				t.note(asked, 1)
				if (status == 200) != question.allowed && !c.empty {
					return fmt.Errorf("%w: %d for %v", errWrong, status, question.request)
				}
				return nil
			})
		}
		return all, nil
	}}
}

// readAnswer reads an answer whose body has a length, for less than net/http would: the caller shares the processors with who is measured.
func readAnswer(in *bufio.Reader) (status int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(line))
	if len(words) < 2 {
		return 0, errors.New("no status")
	}
	if status, err = strconv.Atoi(words[1]); err != nil {
		return 0, err
	}
	length := 0
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch textproto.CanonicalMIMEHeaderKey(string(name)) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		case "Transfer-Encoding", "Connection":
			if !bytes.EqualFold(bytes.TrimSpace(value), []byte("keep-alive")) {
				return 0, fmt.Errorf("an answer with %s", line)
			}
		}
	}
	_, err = in.Discard(length)
	return status, err
}

// asClient writes the request itself, for a gateway.
func asClient(b *bytes.Buffer, in *authzv1.AuthorizeRequest) {
	fmt.Fprintf(b, "%s %s HTTP/1.1\r\nHost: aeroplane.test\r\nUser-Agent: bench\r\nAccept: */*\r\n", in.GetMethod(), in.GetPath())
	writeCredential(b, in)
	if in.GetMethod() != "GET" {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n")
}

// asProxy writes what a proxy asks.
func asProxy(b *bytes.Buffer, in *authzv1.AuthorizeRequest) {
	fmt.Fprintf(b, "GET /forward-auth/caddy HTTP/1.1\r\nHost: authz.test\r\nX-Forwarded-Method: %s\r\nX-Forwarded-Uri: %s\r\n", in.GetMethod(), in.GetPath())
	writeCredential(b, in)
	b.WriteString("\r\n")
}

func writeCredential(b *bytes.Buffer, in *authzv1.AuthorizeRequest) {
	for name, values := range map[string][]string{
		"Authorization": in.GetHeaders().GetAuthorization(), "X-API-Key": in.GetHeaders().GetXApiKey(), "Cookie": in.GetHeaders().GetCookie(),
	} {
		for _, v := range values {
			fmt.Fprintf(b, "%s: %s\r\n", name, v)
		}
	}
}

// startUpstream starts what is behind gateways, in this process: it answers every request the same. It returns its address.
func startUpstream(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) > len("\r\n") {
						continue
					}
					if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
