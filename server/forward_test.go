// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/server/servertest"
)

// dial connects to a server, for a minute at the most.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw sends a request over HTTP/1.1 as it is written, without its end, and returns the answer and its body.
func raw(t testing.TB, address, request string) (*http.Response, string) {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	if _, err := io.WriteString(conn, request+"Host: authz.test\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return response(t, conn)
}

// response reads an answer, and its body.
func response(t testing.TB, conn net.Conn) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// A dialect is how a proxy asks, as it is written.
type dialect struct {
	name, method, uri string
	three             bool // it knows of three statuses alone
}

var dialects = []dialect{
	{"caddy", "X-Forwarded-Method", "X-Forwarded-Uri", false},
	{"traefik", "X-Forwarded-Method", "X-Forwarded-Uri", false},
	{"haproxy", "X-Forwarded-Method", "X-Forwarded-Uri", false},
	{"nginx", "X-Original-Method", "X-Original-URI", true},
}

// ask is how the dialect asks about a request with headers, each with its line break.
func (d dialect) ask(method, target, headers string) string {
	return "GET /forward-auth/" + d.name + " HTTP/1.1\r\n" + d.method + ": " + method + "\r\n" + d.uri + ": " + target + "\r\n" + headers
}

// status is the status of an answer, and the one that it stands for.
func (d dialect) status(r *http.Response) string {
	if !d.three || r.StatusCode == 200 {
		return fmt.Sprint(r.StatusCode)
	}
	return fmt.Sprint(r.StatusCode, " ", r.Header.Get("Aeroplane-Status"))
}

// wanted is what status should be.
func (d dialect) wanted(status int) string {
	switch {
	case !d.three || status == 200:
		return fmt.Sprint(status)
	case status == 401:
		return "401 401"
	}
	return fmt.Sprint("403 ", status)
}

func TestForwardAuth(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	key := s.createKey(t)
	bearer := "Authorization: Bearer " + key.GetSecret() + "\r\n"

	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			usual := d.ask("GET", "/api/projects?q", "")
			for _, c := range []struct {
				name, request string
				status        int
				text          string // of a refusal
			}{
				{"allowed", usual + bearer, 200, ""},
				{"any method of the proxy's own", strings.Replace(usual, "GET", "POST", 1) + bearer, 200, ""},
				{"a key of another header", usual + "x-api-key: " + key.GetSecret() + "\r\n", 200, ""},
				{"public", d.ask("GET", "/", ""), 200, ""},
				{"nobody", usual, 401, "Authentication required"},
				{"an alias of a key's header", usual + "X_API_Key: " + key.GetSecret() + "\r\n", 401, "Authentication required"},
				{"two keys", usual + bearer + bearer, 401, "Invalid or expired API key"},
				{"unknown method", d.ask("get", "/api/projects", bearer), 405, "Method not allowed"},
				{"no path", d.ask("OPTIONS", "*", bearer), 400, "Malformed request path"},
				{"absolute form", d.ask("GET", "http://authz.test/api/projects", bearer), 400, "Malformed request path"},
				{"a path in another spelling", d.ask("GET", "/api/%70rojects", bearer), 400, "Malformed request path"},
				{"bytes beyond ASCII", d.ask("GET", "/api/\xff", bearer), 400, "Malformed request path"},
				{"too long", d.ask("GET", "/"+strings.Repeat("a", 66000), ""), 400,
					"path: method, path, credential and target_project_id must hold at most 65536 bytes in all, not 66004"},

				{"no method", strings.Replace(usual, d.method, "X-Other", 1) + bearer, 400,
					canonical(d.method) + ": is missing: the gateway has to set it to what it received"},
				{"no target", strings.Replace(usual, d.uri, "X-Other", 1) + bearer, 400,
					canonical(d.uri) + ": is missing: the gateway has to set it to what it received"},
				{"no headers at all", "GET /forward-auth/" + d.name + " HTTP/1.1\r\n", 400,
					canonical(d.method) + ": is missing: the gateway has to set it to what it received"},
				{"two targets", usual + d.uri + ": /\r\n" + bearer, 400,
					canonical(d.uri) + ": came 2 times: the gateway has to set it in place of the client's"},
				{"two methods", usual + strings.ToUpper(d.method) + ": GET\r\n" + bearer, 400,
					canonical(d.method) + ": came 2 times: the gateway has to set it in place of the client's"},
				{"an empty target", d.ask("GET", "", bearer), 400, canonical(d.uri) + ": is empty"},
				{"an empty method", d.ask("", "/", bearer), 400, canonical(d.method) + ": is empty"},
				{"an alias of the target", usual + strings.ReplaceAll(d.uri, "-", "_") + ": /\r\n" + bearer, 400,
					canonical(d.uri) + ": came under the name " + canonical(strings.ReplaceAll(d.uri, "-", "_")) +
						" as well, which other programs may take for it"},
				{"an alias of the method", usual + strings.Replace(d.method, "-", ".", 1) + ": GET\r\n" + bearer, 400,
					canonical(d.method) + ": came under the name " + canonical(strings.Replace(d.method, "-", ".", 1)) +
						" as well, which other programs may take for it"},
			} {
				r, body := raw(t, s.HTTPAddr, c.request)
				if got, want := d.status(r), d.wanted(c.status); got != want {
					t.Errorf("%s: %s, want %s: %s", c.name, got, want, body)
					continue
				}
				if r.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: it may be kept: %v", c.name, r.Header)
				}
				if c.status == 200 {
					if body != "" {
						t.Errorf("%s: %q", c.name, body)
					}
					continue
				}
				if want := `{"error":"` + c.text + `"}`; body != want || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: %v\n%s\nwant %s", c.name, r.Header, body, want)
				}
				if got := r.Header.Get("WWW-Authenticate") == "Bearer"; got != (c.status == 401) {
					t.Errorf("%s: WWW-Authenticate: %v", c.name, got)
				}
				if got := r.Header.Get("Aeroplane-Error"); d.three != (got == c.text) || !d.three && got != "" {
					t.Errorf("%s: Aeroplane-Error: %q", c.name, got)
				}
				for _, name := range door.Names {
					if r.Header.Get(name) != "" {
						t.Errorf("%s: %s: %q", c.name, name, r.Header.Get(name))
					}
				}
			}
		})
	}
}

func canonical(name string) string { return http.CanonicalHeaderKey(name) }

// No dialect reads the headers of another.
func TestDialectsAreApart(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	forwarded, original := "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\n", "X-Original-Method: GET\r\nX-Original-URI: /\r\n"
	others := "X-Original-Url: /\r\nX-Rewrite-Url: /\r\nX-Http-Method-Override: GET\r\nForwarded: for=1.2.3.4;proto=https\r\n"
	for _, d := range dialects {
		theirs := original
		if d.three {
			theirs = forwarded
		}
		for name, headers := range map[string]string{"those of the others": theirs, "more still": others} {
			if r, body := raw(t, s.HTTPAddr, "GET /forward-auth/"+d.name+" HTTP/1.1\r\n"+headers); d.status(r) != d.wanted(400) {
				t.Errorf("%s, %s: %s: %s", d.name, name, d.status(r), body)
			}
			denied := d.ask("GET", "/api/projects", headers)
			if r, body := raw(t, s.HTTPAddr, denied); d.status(r) != d.wanted(401) {
				t.Errorf("%s, besides %s: %s: %s", d.name, name, d.status(r), body)
			}
		}
	}
	for _, path := range []string{"/", "/forward-auth", "/forward-auth/", "/forward-auth/caddy/", "/forward-auth/Caddy", "//forward-auth/caddy",
		"/forward-auth/envoy", "/forward-auth/caddy/api/projects"} {
		if r, _ := raw(t, s.HTTPAddr, "GET "+path+" HTTP/1.1\r\n"+forwarded+original); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// Believed are the listed addresses, and who shows a good token.
func TestPeers(t *testing.T) {
	t.Parallel()
	asked := dialects[0].ask("GET", "/", "")
	for _, c := range []struct {
		name, peers, headers string // of headers TOKEN is a good token
		ok                   bool
	}{
		{"listed", "127.0.0.0/8", "", true},
		{"listed alone", "127.0.0.1/32", "", true},
		{"not listed", "127.0.0.2/32", "", false},
		{"another family", "::/1", "", false},
		{"a token", "10.0.0.0/8", "Aeroplane-Gateway-Token: TOKEN\r\n", true},
		{"a wrong token", "10.0.0.0/8", "Aeroplane-Gateway-Token: xTOKEN\r\n", false},
		{"a wrong token of one that is listed", "127.0.0.0/8", "Aeroplane-Gateway-Token: xTOKEN\r\n", false},
		{"two tokens", "127.0.0.0/8", "Aeroplane-Gateway-Token: TOKEN\r\nAeroplane-Gateway-Token: TOKEN\r\n", false},
		{"an empty token", "10.0.0.0/8", "Aeroplane-Gateway-Token:\r\n", false},
		{"a token where the client's credential is", "10.0.0.0/8", "Authorization: Bearer TOKEN\r\n", false},
		{"forwarded for one that is listed", "10.0.0.0/8", "X-Forwarded-For: 10.0.0.1\r\nX-Real-Ip: 10.0.0.1\r\n", false},
	} {
		var log servertest.Logbook
		s := start(t, servertest.Options{Peers: []netip.Prefix{netip.MustParsePrefix(c.peers)}, Log: log.Logger()})
		r, body := raw(t, s.HTTPAddr, asked+strings.ReplaceAll(c.headers, "TOKEN", s.GatewayToken))
		if c.ok && r.StatusCode == 200 {
			continue
		}
		if c.ok || r.StatusCode != 503 || body != `{"error":"The gateway is not known to the authorization service"}` {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, body)
		}
		if !strings.Contains(log.String(), "Aeroplane-Gateway-Token") || strings.Contains(log.String(), s.GatewayToken) {
			t.Errorf("%s: the log does not say why, or says too much:\n%s", c.name, log.String())
		}
	}
}

// What the upstream is told of the caller, in every header.
func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	in := newKey()
	in.UserId = "ada"
	for _, id := range []string{"p1", "p2"} {
		_, err := s.catalog.PutProject(t.Context(), &authzv1.PutProjectRequest{Project: &authzv1.Project{Id: id, Slug: id, OwnerId: "ada"}})
		wantCode(t, err, 0)
	}
	in.Projects = &authzv1.ProjectScope{ProjectIds: []string{"p1", "p2"}}
	some, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, 0)
	all := s.createKey(t)
	id := func(k *authzv1.CreateKeyResponse) string { return k.GetKey().GetId() }
	for _, c := range []struct {
		name, target, secret, want string
	}{
		{"public", "/", "", "- - - - - - - -"},
		{"public with a key", "/", all.GetSecret(), "- - - - - - - -"},
		{"a list, of all", "/api/projects", all.GetSecret(), "key " + id(all) + " - - write - * -"},
		{"a list, of some", "/api/projects", some.GetSecret(), "key " + id(some) + " ada - write - p1,p2 -"},
		{"one project", "/api/projects/p2/services", some.GetSecret(), "key " + id(some) + " ada - write p2 - -"},
	} {
		for _, d := range dialects {
			r, body := raw(t, s.HTTPAddr, d.ask("GET", c.target, "Authorization: Bearer "+c.secret+"\r\nAeroplane-User: forged\r\n"))
			var got []string
			for _, name := range door.Names {
				got = append(got, strings.Join(r.Header.Values(name), "|"))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s, %s: %d %q %s; want %s", c.name, d.name, r.StatusCode, got, body, c.want)
			}
		}
	}
}

// More projects than a header holds are never cut: who is told less might do more.
func TestMoreProjectsThanAHeaderHolds(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	in := newKey()
	in.Projects = new(authzv1.ProjectScope)
	for i := range 66 { // of 124 bytes each, with their commas 8,249
		id := fmt.Sprintf("%0124d", i)
		_, err := s.catalog.PutProject(t.Context(), &authzv1.PutProjectRequest{Project: &authzv1.Project{Id: id, Slug: id}})
		wantCode(t, err, 0)
		in.Projects.ProjectIds = append(in.Projects.ProjectIds, id)
	}
	created, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, 0)
	const text = "the caller sees 66 projects, too many for the header Aeroplane-Projects, which holds 8192 bytes: ask over gRPC, or give the key fewer"
	for _, d := range dialects {
		for target, status := range map[string]int{"/api/projects": 403, "/api/projects/" + in.Projects.ProjectIds[0] + "/services": 200} {
			r, body := raw(t, s.HTTPAddr, d.ask("GET", target, "X-API-Key: "+created.GetSecret()+"\r\n"))
			if d.status(r) != d.wanted(status) || status == 403 && body != `{"error":"`+text+`"}` {
				t.Errorf("%s, %s: %s %s", d.name, target, d.status(r), body)
			}
		}
	}
	wantDenied(t, "ext_authz", checked(t, s.Gateway, "GET", "/api/projects", "", "x-api-key", created.GetSecret()), 403, text)
}

// No decision is a refusal, of this request and of none other.
func TestForwardAuthWithoutADecision(t *testing.T) {
	t.Parallel()
	var fail atomic.Pointer[func() error]
	store := openStore(t)
	f := &faulty{Store: store, lookup: func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		if do := fail.Load(); do != nil {
			return authz.Facts{}, (*do)()
		}
		l := &authz.Lookup{Query: q}
		err := store.Lookup(ctx, l)
		return l.Facts, err
	}}
	var log servertest.Logbook
	s := start(t, servertest.Options{Store: f, Log: log.Logger()})
	bearer := "Authorization: Bearer " + s.createKey(t).GetSecret() + "\r\n"
	for name, do := range map[string]func() error{
		"a lapsed lease": func() error { return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeLease, Message: "no lease"} },
		"no database":    func() error { return authz.Errorf(authz.Unavailable, "x").Because(errors.New("connection refused")) },
		"no reason":      func() error { return errors.New("something") },
		"a panic":        func() error { panic("oh no") },
	} {
		for _, d := range dialects {
			ask := d.ask("GET", "/api/projects", bearer)
			fail.Store(&do)
			r, body := raw(t, s.HTTPAddr, ask)
			if d.status(r) != d.wanted(503) || body != `{"error":"Authorization is not available"}` {
				t.Errorf("%s, %s: %s %s", name, d.name, d.status(r), body)
			}
			fail.Store(nil)
			if r, body := raw(t, s.HTTPAddr, ask); r.StatusCode != 200 {
				t.Errorf("after %s, %s: %d %s", name, d.name, r.StatusCode, body)
			}
		}
	}
	if !strings.Contains(log.String(), "oh no") {
		t.Error("the panic is not in the log")
	}
}
