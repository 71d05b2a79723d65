// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// A reading is whether an answer allows.
type reading func(status int, body []byte) bool

// byStatus is the reading of an answer that allows with 200.
func byStatus(status int, _ []byte) bool { return status == 200 }

// byDecision is the reading of AuthZEN's answer.
func byDecision(status int, body []byte) bool {
	return status == 200 && bytes.HasPrefix(body, []byte(`{"decision":true`))
}

// overHTTP is an HTTP/1.1 request for each decision, on connections that are kept, one for each caller. write writes it.
func overHTTP(name, address string, write func(b *bytes.Buffer, in *authzv1.AuthorizeRequest), allows reading) form {
	return form{name, func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
		var all []caller
		for i := range callers {
			place, out := q.from(i, callers), new(bytes.Buffer)
			k := &kept{address: address}
			if err := k.dial(ctx); err != nil {
				return nil, err
			}
			all = append(all, func(t *tally) error {
				question := place.next()
				out.Reset()
				write(out, question.request)
				asked := time.Now()
				status, body, err := k.ask(ctx, out.Bytes())
				if err != nil {
					return err
				}
				t.note(asked, 1)
				if allows(status, body) != question.allowed && !c.empty {
					return fmt.Errorf("%w: %d for %v", errWrong, status, question.request)
				}
				return nil
			})
		}
		return all, nil
	}}
}

// kept is a connection that stays for the next request, and is made anew when it was closed.
type kept struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func (k *kept) dial(ctx context.Context) (err error) {
	if k.conn, err = new(net.Dialer).DialContext(ctx, "tcp", k.address); err != nil {
		return err
	}
	conn := k.conn
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	k.in = bufio.NewReader(conn)
	return nil
}

// ask sends a request and returns the status and the body of its answer, which is good until the next one.
func (k *kept) ask(ctx context.Context, request []byte) (status int, body []byte, err error) {
	if _, err := k.conn.Write(request); err != nil {
		return 0, nil, err
	}
	status, body, last, err := readAnswer(k.in)
	if err == nil && last {
		_ = k.conn.Close()
		err = k.dial(ctx)
	}
	return status, body, err
}

// readAnswer reads an answer whose body has a length, and whether it is the last on its connection, for less than net/http would: the caller
// shares the processors with who is measured.
func readAnswer(in *bufio.Reader) (status int, body []byte, last bool, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, nil, false, err
	}
	words := strings.Fields(string(line))
	if len(words) < 2 {
		return 0, nil, false, errors.New("no status")
	}
	if status, err = strconv.Atoi(words[1]); err != nil {
		return 0, nil, false, err
	}
	length := -1
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, nil, false, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, false, err
			}
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 {
		return 0, nil, false, errors.New("an answer of unknown length")
	}
	if body, err = in.Peek(length); err != nil {
		return 0, nil, false, err
	}
	_, err = in.Discard(length)
	return status, body, last, err
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

// asEvaluator writes what AuthZEN's evaluation is asked, by somebody with a gateway's token.
func asEvaluator(b *bytes.Buffer, in *authzv1.AuthorizeRequest) {
	h := in.GetHeaders()
	body, err := json.Marshal(map[string]any{
		"subject": map[string]any{"type": "http_headers", "id": "-", "properties": map[string]any{
			"authorization": h.GetAuthorization(), "x_api_key": h.GetXApiKey(), "cookie": h.GetCookie()}},
		"action":   map[string]any{"name": in.GetMethod()},
		"resource": map[string]any{"type": "http_target", "id": in.GetPath()},
	})
	if err != nil {
		panic(err) // it is all text
	}
	fmt.Fprintf(b, "POST /access/v1/evaluation HTTP/1.1\r\nHost: authz.test\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", gatewayToken, len(body), body)
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
	return testservers.Serve(t, func(conn net.Conn) {
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
	})
}
