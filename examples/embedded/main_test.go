// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
)

// The gateway in front of an upstream that tells what reached it.
func TestGateway(t *testing.T) {
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s\n%s\n", r.Method, r.RequestURI, r.Header.Values("Aeroplane-Grant"))
	}))
	defer upstream.Close()
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewServer(guard(s.Replica, httputil.NewSingleHostReverseProxy(to)))
	defer gateway.Close()

	admin := authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test"}
	made, err := s.Issuer.Create(t.Context(), admin,
		authz.KeyRequest{Name: "ci", Access: authz.Read, Projects: authz.ProjectScope{All: true}, Forever: true})
	if err != nil {
		t.Fatal(err)
	}
	key := "Authorization: Bearer " + made.Secret.Reveal() + "\r\n"
	ask := func(name, request string, status int, want ...string) {
		t.Helper()
		answer := raw(t, gateway.Listener.Addr().String(), request)
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", status)) || strings.Contains(answer, "forged") {
			t.Errorf("%s: want %d, got\n%s", name, status, answer)
		}
		for _, w := range want {
			if !strings.Contains(answer, w) {
				t.Errorf("%s: %s is not in\n%s", name, w, answer)
			}
		}
	}
	ask("allowed", "GET /api/projects?q HTTP/1.1\r\n"+key+"Aeroplane-Grant: forged\r\n", 200, "GET /api/projects?q", `"All":true`)
	ask("public", "GET /api/health HTTP/1.1\r\n", 200, "GET /api/health")
	ask("read-only", "POST /api/projects HTTP/1.1\r\n"+key, 403, `{"error":"This API key is read-only"}`)
	ask("nobody", "GET /api/projects HTTP/1.1\r\n", 401, "Www-Authenticate: Bearer", `{"error":"Authentication required"}`)
	ask("doubled", "GET /api/projects HTTP/1.1\r\n"+key+key, 401, "Invalid or expired API key")
	ask("not in its one spelling", "GET /api//projects HTTP/1.1\r\n"+key, 400, "Malformed request path")
	ask("a header that the proxy would drop", "GET /api/projects HTTP/1.1\r\n"+key+"Connection: Authorization\r\n", 400, "Malformed request path")
	ask("an alias", "GET /api/projects HTTP/1.1\r\n"+key+"X_API_Key: k\r\n", 400, "Malformed request path")

	if _, err := s.Issuer.Revoke(t.Context(), admin, made.Key.ID); err != nil {
		t.Fatal(err)
	}
	ask("revoked", "GET /api/projects HTTP/1.1\r\n"+key, 401, "Invalid or expired API key")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ask("closed", "GET /api/health HTTP/1.1\r\n", 503, "Authorization is not available")
}

func TestFirstKey(t *testing.T) {
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for want := range 2 {
		if err := firstKey(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		keys, _, err := s.Issuer.List(t.Context(), authz.KeyFilter{}, authz.PageRequest{})
		if err != nil || len(keys) != 1-want {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if _, err := s.Issuer.Revoke(t.Context(), authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test"}, k.ID); err != nil {
				t.Error(err)
			}
		}
	}
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
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
