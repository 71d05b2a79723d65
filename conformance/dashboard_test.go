// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

// dashboardOn takes the marks away that keep the dashboard's calls out of the sample for Caddy.
var dashboardOn = strings.NewReplacer("#: ", "")

// Aeroplane's own dashboard manages keys through Caddy, and the gateway goes by what it did.
func TestDashboardThroughCaddy(t *testing.T) { onEveryStore(t, testDashboard) }

func testDashboard(t *testing.T, f *fixture) {
	f.populate()
	g := startEdited(t, "caddy", f.httpAddr, startUpstream(t), dashboardOn)
	const page = "Host: aeroplane.test\r\nSec-Fetch-Site: same-origin\r\n"
	cookie := "Cookie: theme=dark; aeroplane_session=" + f.expand("{session:owner}") + "\r\n"
	call := func(line, headers, body string) (*http.Response, string) {
		t.Helper()
		method, _, _ := strings.Cut(line, " ")
		if body != "" {
			headers += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
		}
		r, answer := g.send(method, line+" HTTP/1.1\r\n"+headers+"\r\n"+body)
		if strings.Contains(line, "/api/system/api-keys") && !strings.HasSuffix(line, "x") && r.Header.Get("X-Reached") != "" {
			t.Errorf("%s reached the upstream", line)
		}
		return r, answer
	}
	want := func(status int, text, line, headers, body string) {
		t.Helper()
		if r, answer := call(line, headers, body); r.StatusCode != status || text != "" && !strings.HasPrefix(answer, text) {
			t.Errorf("%s: %d %.200s, want %d %s", line, r.StatusCode, answer, status, text)
		}
	}
	const key = `{"name":"CI","accessLevel":"read","projectScope":"selected","projectIds":["iD-projectA-7f"],"expiresInDays":30}`
	const list, write = "GET /api/system/api-keys", "POST /api/system/api-keys"
	want(200, `{"apiKeys":[],"projects":[{"id":"iD-projectA-7f","name":"projectA","slug":"slug-projecta"},`, list, page+cookie, "")
	want(401, `{"error":"Authentication required"}`, list, page, "")
	want(403, `{"error":"This request did not come`, write, "Host: aeroplane.test\r\nSec-Fetch-Site: cross-site\r\n"+cookie, key)
	want(403, `{"error":"This request did not come`, write, "Host: aeroplane.test\r\nOrigin: http://evil.test\r\n"+cookie, key)
	want(400, `{"error":"API key name is required"}`, write, page+cookie, `{"name":" "}`)
	want(201, ``, write, "Host: aeroplane.test:8080\r\nOrigin: http://aeroplane.test:8080\r\n"+cookie, key) // the Host arrives as it was sent

	r, answer := call(write, page+cookie, key)
	var made struct {
		APIKey struct{ ID string }
		Token  string
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || r.StatusCode != 201 || r.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d: %v", r.StatusCode, err)
	}
	bearer := "Host: aeroplane.test\r\nAuthorization: Bearer " + made.Token + "\r\n"
	want(200, "GET /api/projects/slug-projecta ", "GET /api/projects/slug-projecta", bearer, "")
	want(403, "", "GET /api/projects/slug-projectb", bearer, "")
	want(403, `{"error":"This endpoint requires a browser session"}`, list, bearer, "")
	other := "Host: aeroplane.test\r\nSec-Fetch-Site: same-origin\r\nCookie: aeroplane_session=" + f.expand("{session:user2}") + "\r\n"
	want(404, `{"error":"API key not found"}`, "DELETE /api/system/api-keys/"+made.APIKey.ID, other, "")
	want(200, `{"ok":true}`, "DELETE /api/system/api-keys/"+made.APIKey.ID, page+cookie, "")
	want(404, `{"error":"API key not found"}`, "DELETE /api/system/api-keys/"+made.APIKey.ID, page+cookie, "")
	want(401, `{"error":"Invalid or expired API key"}`, "GET /api/projects/slug-projecta", bearer, "")
	want(204, "", "OPTIONS /api/system/api-keys", "Host: aeroplane.test\r\nOrigin: http://evil.test\r\nAccess-Control-Request-Method: POST\r\n", "")

	// The service's own page for keys, and what it asks for, by the same lines.
	want(301, "", "GET /authz", page, "")
	want(200, "<!doctype html>", "GET /authz/", page, "")
	want(401, `{"code":16,`, "GET /authz/v1/keys", page, "")
	want(200, `{"keys":[`, "GET /authz/v1/keys?states=KEY_STATE_REVOKED", page+cookie, "")
	want(403, `{"code":7,`, "POST /authz/v1/keys", "Host: aeroplane.test\r\nOrigin: http://evil.test\r\n"+cookie, "{}")
	want(400, "", "GET /authz/../forward-auth/caddy", page+cookie, "")

	// No other page of the service, nor a page of Aeroplane's by another way.
	told := page + cookie + "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\n"
	for _, target := range []string{"/api/system/api-keys/", "/api/system/api-keys/../../../forward-auth/caddy", "/api/system/api-keys/%2e%2e/%2e%2e/%2e%2e/forward-auth/caddy",
		"/api/system//api-keys", "//api/system/api-keys", "/API/system/api-keys", "/api/system/API-KEYS", "/api/system/api%2Dkeys", "/api/system/api-keys%2f..%2f..%2f..%2fforward-auth/caddy",
		"http://aeroplane.test/api/system/api-keys", "/forward-auth/../api/system/api-keys"} {
		if r, answer := call("GET "+target, told, ""); r.StatusCode != 400 || r.Header.Get("X-Reached") != "" {
			t.Errorf("%s: %d %s", target, r.StatusCode, answer)
		}
	}
	for _, target := range []string{"/forward-auth/caddy", "/access/v1/evaluation", "/.well-known/authzen-configuration", "/api/system/api-keysx"} {
		if r, _ := call("GET "+target, told, ""); r.Header.Get("X-Reached") != digest("GET "+target) {
			t.Errorf("%s: %d", target, r.StatusCode)
		}
	}
}

// Where the service is away, the dashboard is told so, and Aeroplane is not asked.
func TestDashboardWithoutTheService(t *testing.T) {
	g := startEdited(t, "caddy", must[string](t)(testservers.FreeAddress()), startUpstream(t), dashboardOn)
	for _, line := range []string{"GET /api/system/api-keys", "DELETE /api/system/api-keys/x"} {
		method, _, _ := strings.Cut(line, " ")
		r, answer := g.send(method, line+" HTTP/1.1\r\nHost: aeroplane.test\r\nAeroplane-Caller: session\r\n\r\n")
		if r.StatusCode != 503 || answer != `{"error":"Authorization is not available"}` || r.Header.Get("X-Reached") != "" {
			t.Errorf("%s: %d %s", line, r.StatusCode, answer)
		}
	}
}
