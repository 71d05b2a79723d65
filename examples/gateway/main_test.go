// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// The gateway in front of an upstream that tells what reached it, asking a real service.
func TestGateway(t *testing.T) {
	run, text := startService(t, authzv1.AccessLevel_ACCESS_LEVEL_READ)
	gateway := inFrontOf(t, run.Addr)
	down := inFrontOf(t, "127.0.0.1:1")
	const headers = `{"error":"Malformed request headers"}`

	key := "Authorization: Bearer " + text + "\r\n"
	for _, c := range []struct {
		name, gateway, request string
		status                 int
		want                   []string // what is in the answer
	}{
		{"allowed", gateway, "GET /api/projects?q&r=%zz HTTP/1.1\r\n" + key +
			"Aeroplane-Projects: forged\r\naeroplane-CALLER: forged\r\n", 200,
			[]string{"GET /api/projects?q&r=%zz gateway.test", "Caller: [key]", "Access: [read]", "Projects: [*]", "User: [-]"}},
		{"nobody, where that may be", gateway, "GET /api/health HTTP/1.1\r\nAeroplane-User: forged\r\n", 200,
			[]string{"Caller: [-]", "User: [-]"}},
		{"read-only", gateway, "POST /api/projects HTTP/1.1\r\n" + key, 403, []string{`{"error":"This API key is read-only"}`}},
		{"nobody", gateway, "GET /api/projects HTTP/1.1\r\n", 401,
			[]string{"Www-Authenticate: Bearer", `{"error":"Authentication required"}`}},
		{"doubled", gateway, "GET /api/projects HTTP/1.1\r\n" + key + key, 401, []string{"Invalid or expired API key"}},
		{"not in its one spelling", gateway, "GET /api//projects HTTP/1.1\r\n" + key, 400, []string{"Malformed request path"}},
		{"not UTF-8", gateway, "GET /api/projects HTTP/1.1\r\nCookie: a=\xff\r\n", 400, []string{headers}},
		{"a path that is not UTF-8", gateway, "GET /api/\xff HTTP/1.1\r\n" + key, 400, []string{"Malformed request path"}},
		{"absolute form", gateway, "GET http://gateway.test/api/projects HTTP/1.1\r\n" + key, 400, []string{"Malformed request path"}},
		{"another method", gateway, "TRACE /api/projects HTTP/1.1\r\n" + key, 405, []string{"Method not allowed"}},
		{"a header that the proxy would drop", gateway, "GET /api/projects HTTP/1.1\r\n" + key +
			"Connection: Authorization\r\n", 400, []string{"Connection names a header"}},
		{"one of ours", gateway, "GET /api/projects HTTP/1.1\r\n" + key +
			"Connection: aeroplane-user\r\n", 400, []string{"Connection names a header"}},
		{"an alias", gateway, "GET /api/projects HTTP/1.1\r\n" + key + "X_API_Key: k\r\n", 400, []string{"may be taken for another"}},
		{"an alias of one of ours", gateway, "GET /api/projects HTTP/1.1\r\n" + key + "Aeroplane_User: k\r\n", 400,
			[]string{"may be taken for another"}},
		{"no service", down, "GET /api/health HTTP/1.1\r\n", 503, []string{"Authorization is not available"}},
	} {
		answer := raw(t, c.gateway, c.request)
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", c.status)) || strings.Contains(answer, "forged") {
			t.Errorf("%s: want %d, got\n%s", c.name, c.status, answer)
		}
		for _, want := range c.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: %s is not in\n%s", c.name, want, answer)
			}
		}
	}
}

// startService runs a service, for whose gateways the token is set, with a key for all projects. It returns the key's text.
func startService(t *testing.T, access authzv1.AccessLevel) (run *servertest.Running, key string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	run = servertest.Start(t, servertest.Options{Store: store})
	made, err := authzv1.NewKeyServiceClient(run.Admin).CreateKey(t.Context(), &authzv1.CreateKeyRequest{
		Name: "ci", AccessLevel: access, Projects: &authzv1.ProjectScope{All: true},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AEROPLANE_AUTHZ_TOKEN", run.GatewayToken)
	return run, made.GetSecret()
}

// inFrontOf runs a gateway that asks the service at an address, and returns its own.
func inFrontOf(t *testing.T, service string) string {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s\n", r.Method, r.RequestURI, r.Host)
		for _, what := range []string{"Caller", "User", "Access", "Projects"} {
			fmt.Fprintf(w, "%s: %s\n", what, r.Header.Values("Aeroplane-"+what))
		}
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	asking, err := connect(service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = asking.Close() })
	gateway := httptest.NewServer(gateway(asking, to))
	t.Cleanup(gateway.Close)
	return gateway.Listener.Addr().String()
}

// raw sends a request as it is written, and returns the answer.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request+"Host: gateway.test\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
