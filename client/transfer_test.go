// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/server/servertest"
)

// Which project a service is transferred to is seen in the body, which reaches the upstream all the same.
func TestTransfers(t *testing.T) {
	run := start(t, servertest.Options{})
	projects(t, run)
	both, one, all := newKey(t, run, writes, "p", "q"), newKey(t, run, writes, "p"), newKey(t, run, writes)
	blind := of(run)
	blind.NoTransferTarget = true
	echoes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s, %v, %s", body, err, r.Header.Get("Aeroplane-Transfer"))
	})
	seeing, unseeing := serve(t, connect(t, of(run)).Middleware(echoes)), serve(t, connect(t, blind).Middleware(echoes))
	const toQ, outOfScope = `{"projectId":"q"}`, "This API key cannot access that project"
	for _, c := range []struct {
		name, gateway, key, body string
		status                   int
		want                     string
	}{
		{"both ends", seeing, both, toQ, 200, toQ + ", <nil>, -"},
		{"one end", seeing, one, toQ, 403, outOfScope},
		{"to itself", seeing, one, `{"projectId":"p"}`, 200, "<nil>, -"},
		{"a key for all", seeing, all, toQ, 200, "<nil>, -"},
		{"named twice", seeing, both, `{"projectId":"p","targetProjectId":"q"}`, 403, outOfScope},
		{"not named", seeing, both, `{}`, 403, outOfScope},
		{"not named, with a key for all", seeing, all, `{}`, 200, "{}, <nil>, unchecked"},
		{"switched off", unseeing, both, toQ, 403, outOfScope},
		{"switched off, with a key for all", unseeing, all, toQ, 200, toQ + ", <nil>, unchecked"},
	} {
		head := "POST /api/services/s/transfer HTTP/1.1\r\nContent-Type: application/json\r\nX-API-Key: " + c.key + "\r\n"
		for form, send := range map[string]func() string{
			"length": func() string {
				return raw(t, c.gateway, head+fmt.Sprintf("Content-Length: %d\r\n", len(c.body)), c.body)
			},
			"chunks": func() string {
				return raw(t, c.gateway, head+"Transfer-Encoding: chunked\r\n",
					fmt.Sprintf("1\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", c.body[:1], len(c.body)-1, c.body[1:]))
			},
			"announced": func() string {
				return raw(t, c.gateway, head+fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(c.body)), c.body)
			},
		} {
			got := strings.TrimPrefix(send(), "HTTP/1.1 100 Continue\r\n\r\n")
			if statusOf(got) != c.status || !strings.Contains(got, c.want) {
				t.Errorf("%s, %s: want %d and %q, got\n%s", c.name, form, c.status, c.want, got)
			}
		}
	}
}

// unsaid is what a test gives for a question that names no target.
const unsaid = "unsaid"

// What is asked about, by what the request is; next reads what the client has sent, to its last byte or its error.
func TestTransferTarget(t *testing.T) {
	const path, body = "/api/services/s/transfer", `{"projectId":"q"}`
	asked := make(chan *authzv1.AuthorizeRequest, 1)
	c := asking(t, yes(asked))
	lost := errors.New("the rest is lost")
	long := body + strings.Repeat(" ", door.MaxTransferBody)
	for _, at := range []struct {
		name, method, target string
		header               http.Header
		body                 io.Reader
		want                 string
		read                 string // what next reads
		err                  error
	}{
		{"a transfer", "POST", path, nil, strings.NewReader(body), "q", body, nil},
		{"below", "POST", path + "/x/y?z", nil, strings.NewReader(body), "q", body, nil},
		{"other methods", "DELETE", path, nil, strings.NewReader(body), "q", body, nil},
		{"byte by byte", "POST", path, nil, iotest.OneByteReader(strings.NewReader(body)), "q", body, nil},
		{"the end beside the data", "POST", path, nil, iotest.DataErrReader(strings.NewReader(body)), "q", body, nil},
		{"JSON", "POST", path, http.Header{"Content-Type": {"Application/JSON; charset=UTF-8"}}, strings.NewReader(body), "q", body, nil},
		{"as long as may be", "POST", path, nil, strings.NewReader(long[:door.MaxTransferBody]), "q", long[:door.MaxTransferBody], nil},

		{"too long", "POST", path, nil, strings.NewReader(long[:door.MaxTransferBody+1]), unsaid, long[:door.MaxTransferBody+1], nil},
		{"too long, of a length that nobody said", "POST", path, nil, io.MultiReader(strings.NewReader(long)), unsaid, long, nil},
		{"cut off", "POST", path, nil, io.MultiReader(strings.NewReader(body), iotest.ErrReader(lost)), unsaid, body, lost},
		{"lost", "POST", path, nil, iotest.ErrReader(lost), unsaid, "", lost},
		{"once lost", "POST", path, nil, &onceLost{err: lost}, unsaid, "", lost},
		{"nothing", "POST", path, nil, http.NoBody, unsaid, "", nil},
		{"a form", "POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader(body), unsaid, body, nil},
		{"a text", "POST", path, http.Header{"Content-Type": {"text/plain"}}, strings.NewReader(body), unsaid, body, nil},
		{"no type at all", "POST", path, http.Header{"Content-Type": {""}}, strings.NewReader(body), unsaid, body, nil},
		{"two types", "POST", path, http.Header{"Content-Type": {"application/json", "text/plain"}}, strings.NewReader(body), unsaid, body, nil},
		{"another type under another name", "POST", path, http.Header{"Content-Type": {"application/json"}, "Content_type": {"text/plain"}},
			strings.NewReader(body), unsaid, body, nil},
		{"other letters", "POST", path, http.Header{"Content-Type": {"application/json; charset=utf-16"}}, strings.NewReader(body), unsaid, body, nil},
		{"packed", "POST", path, http.Header{"Content-Encoding": {"gzip"}}, strings.NewReader(body), unsaid, body, nil},
		{"reading", "GET", path, nil, strings.NewReader(body), unsaid, body, nil},
		{"another row", "POST", "/api/services/s/transfers", nil, strings.NewReader(body), unsaid, body, nil},
		{"deeper", "POST", "/api/services/s/x/transfer", nil, strings.NewReader(body), unsaid, body, nil},
		{"only in the query", "POST", "/api/services/s?/transfer", nil, strings.NewReader(body), unsaid, body, nil},
		{"elsewhere", "POST", "/api/projects/s/transfer", nil, strings.NewReader(body), unsaid, body, nil},
	} {
		r := httptest.NewRequest(at.method, at.target, at.body)
		if at.header != nil {
			r.Header = at.header
		}
		closed := &closing{Reader: r.Body}
		r.Body = closed
		var got []byte
		var err error
		c.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, err = io.ReadAll(r.Body)
			_ = r.Body.Close()
		})).ServeHTTP(httptest.NewRecorder(), r)
		target := unsaid
		if q := <-asked; q.TargetProjectId != nil {
			target = *q.TargetProjectId
		}
		if target != at.want {
			t.Errorf("%s: asked about %q, want %q", at.name, target, at.want)
		}
		if !bytes.Equal(got, []byte(at.read)) || err != at.err || !closed.closed {
			t.Errorf("%s: next read %d bytes, %v, want %d, %v; closed: %v", at.name, len(got), err, len(at.read), at.err, closed.closed)
		}
	}
}

// A body that says that it is too long is not begun to be read: the client may be waiting to be told.
func TestTooLongBodiesAreNotBegun(t *testing.T) {
	c := asking(t, yes(nil))
	body := &closing{Reader: strings.NewReader("")}
	r := httptest.NewRequest("POST", "/api/services/s/transfer", nil)
	r.Body, r.ContentLength = body, door.MaxTransferBody+1
	c.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, passed *http.Request) {
		if body.begun || passed.Body != body {
			t.Error("it was read")
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}

// An upstream's own limit holds for what was read before as well.
func TestLimitedBody(t *testing.T) {
	c := connect(t, client.Config{Target: listenAs(t, yes(nil)), Token: client.NewSecret(token)})
	var tooLong *http.MaxBytesError
	r := httptest.NewRequest("POST", "/api/services/s/transfer", strings.NewReader(`{"projectId":"q"}`))
	w := httptest.NewRecorder()
	r.Body = http.MaxBytesReader(w, r.Body, 4)
	c.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, err := io.ReadAll(r.Body); len(got) != 4 || !errors.As(err, &tooLong) {
			t.Errorf("%q, %v", got, err)
		}
	})).ServeHTTP(w, r)
}

// A closing reader keeps whether it was read and closed.
type closing struct {
	io.Reader
	begun, closed bool
}

func (c *closing) Read(p []byte) (int, error) { c.begun = true; return c.Reader.Read(p) }
func (c *closing) Close() error               { c.closed = true; return nil }

// onceLost tells of its error once, and then of an ordinary end.
type onceLost struct{ err error }

func (o *onceLost) Read([]byte) (int, error) {
	err := o.err
	o.err = io.EOF
	return 0, err
}
