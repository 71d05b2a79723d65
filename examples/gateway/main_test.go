// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// The gateway in front of an upstream that tells what reached it, asking a real service.
func TestGateway(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	run := servertest.Start(t, servertest.Options{Store: store})
	made, err := authzv1.NewKeyServiceClient(run.Admin).CreateKey(t.Context(), &authzv1.CreateKeyRequest{
		Name: "ci", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ, Projects: &authzv1.ProjectScope{All: true},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AEROPLANE_AUTHZ_TOKEN", run.GatewayToken)
	gateway := inFrontOf(t, run.Addr)
	down := inFrontOf(t, "127.0.0.1:1")

	key := "Authorization: Bearer " + made.Secret + "\r\n"
	for _, c := range []struct {
		name, gateway, request string
		status                 int
		want                   []string // what is in the answer
	}{
		{"allowed", gateway, "GET /api/projects?q HTTP/1.1\r\n" + key + "Aeroplane-Grant: forged\r\n", 200,
			[]string{"GET /api/projects?q", `"visibleProjects":`, `"all":true`}},
		{"read-only", gateway, "POST /api/projects HTTP/1.1\r\n" + key, 403, []string{`{"error":"This API key is read-only"}`}},
		{"nobody", gateway, "GET /api/projects HTTP/1.1\r\n", 401,
			[]string{"Www-Authenticate: Bearer", `{"error":"Authentication required"}`}},
		{"doubled", gateway, "GET /api/projects HTTP/1.1\r\n" + key + key, 401, []string{"Invalid or expired API key"}},
		{"not in its one spelling", gateway, "GET /api//projects HTTP/1.1\r\n" + key, 400, []string{"Malformed request path"}},
		{"not UTF-8", gateway, "GET /api/projects HTTP/1.1\r\nCookie: a=\xff\r\n", 400, []string{"Malformed request path"}},
		{"a header that the proxy would drop", gateway, "GET /api/projects HTTP/1.1\r\n" + key +
			"Connection: Authorization\r\n", 400, []string{"Malformed request path"}},
		{"an alias", gateway, "GET /api/projects HTTP/1.1\r\n" + key + "X_API_Key: k\r\n", 400, []string{"Malformed request path"}},
		{"no service", down, "GET /api/health HTTP/1.1\r\n", 503, []string{"Authorization is not available"}},
	} {
		answer := raw(t, c.gateway, c.request)
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", c.status)) || strings.Contains(answer, "forged") {
			t.Errorf("%s: want %d, got\n%s", c.name, c.status, answer)
		}
		for _, want := range c.want {
			if !strings.Contains(strings.ReplaceAll(answer, " \"", `"`), want) && !strings.Contains(answer, want) {
				t.Errorf("%s: %s is not in\n%s", c.name, want, answer)
			}
		}
	}
}

// inFrontOf runs a gateway that asks the service at an address, and returns its own.
func inFrontOf(t *testing.T, service string) string {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s\n%s\n", r.Method, r.RequestURI, r.Header.Values("Aeroplane-Grant"))
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(service, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	gateway := httptest.NewServer(guard(authzv1.NewAuthorizationServiceClient(conn), httputil.NewSingleHostReverseProxy(to)))
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
