// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server/servertest"
)

// Who may call is decided as for every other request, by what was received.
func TestDashboardAccess(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	ada := s.browseAsUser(t, "ada")
	_, key := ada.create(fmt.Sprintf(forAll, "k"))
	const (
		site = "Sec-Fetch-Site: same-origin\r\n"
		page = "There is no such page: docs/gateways.md lists those that there are"
	)
	session, bearer := "Cookie: a=b; aeroplane_session="+ada.session+"\r\n", "Authorization: Bearer "+key+"\r\n"
	for _, c := range []struct {
		name, line, headers string
		status              int
		text                string
	}{
		{"a session", "GET " + apiKeys, session, 200, ""},
		{"a query", "GET " + apiKeys + "?a=/../b", session, 200, ""},
		{"nobody", "GET " + apiKeys, "", 401, "Authentication required"},
		{"nobody who writes", "POST " + apiKeys, site, 401, "Authentication required"},
		{"nobody who revokes", "DELETE " + apiKeys + "/x", "", 401, "Authentication required"},
		{"no session", "GET " + apiKeys, "Cookie: aeroplane_session=x\r\n", 401, "Authentication required"},
		{"an empty session before a good one", "GET " + apiKeys, "Cookie: aeroplane_session=\r\n" + session, 401, "Authentication required"},
		{"a cookie of another name", "GET " + apiKeys, "Cookie: Aeroplane_session=" + ada.session + "\r\n", 401, "Authentication required"},
		{"a session in another header", "GET " + apiKeys, "X-Cookie: aeroplane_session=" + ada.session + "\r\n", 401, "Authentication required"},
		{"a key", "GET " + apiKeys, bearer, 403, "This endpoint requires a browser session"},
		{"a key beside a session", "POST " + apiKeys, bearer + session + site, 403, "This endpoint requires a browser session"},
		{"a bad key beside a session", "DELETE " + apiKeys + "/x", "X-API-Key: x\r\n" + session + site, 401, "Invalid or expired API key"},
		{"two keys", "GET " + apiKeys, bearer + bearer + session, 401, "Invalid or expired API key"},
		{"a gateway's token", "GET " + apiKeys, "Aeroplane-Gateway-Token: " + s.GatewayToken + "\r\n", 401, "Authentication required"},
		{"an administrator's token", "GET " + apiKeys, "Authorization: Bearer " + s.AdminToken + "\r\n", 401, "Invalid or expired API key"},
		{"an identity", "GET " + apiKeys, "Aeroplane-Caller: session\r\nAeroplane-User: ada\r\n", 401, "Authentication required"},

		{"a slash behind", "GET " + apiKeys + "/", session, 400, "Malformed request path"},
		{"another case", "GET /api/system/API-keys", session, 400, "Malformed request path"},
		{"another case still", "POST /API/system/api-keys", session + site, 400, "Malformed request path"},
		{"an escape", "GET /api/system/api%2Dkeys", session, 400, "Malformed request path"},
		{"an escaped slash", "DELETE /api/system/api-keys%2Fx", session + site, 400, "Malformed request path"},
		{"an escape in the id", "DELETE " + apiKeys + "/%78", session + site, 400, "Malformed request path"},
		{"two slashes", "GET /api//system/api-keys", session, 400, "Malformed request path"},
		{"dots", "GET /api/system/x/../api-keys", session, 400, "Malformed request path"},
		{"dots out of it", "GET " + apiKeys + "/../../../forward-auth/caddy", session, 400, "Malformed request path"},
		{"escaped dots out of it", "GET " + apiKeys + "/%2e%2e/%2e%2e/%2e%2e/forward-auth/caddy", session, 400, "Malformed request path"},
		{"dots into it", "GET /forward-auth/../api/system/api-keys", session, 400, "Malformed request path"},
		{"absolute form", "GET http://aeroplane.test" + apiKeys, session, 400, "Malformed request path"},
		{"a method in small letters", "get " + apiKeys, session, 405, "Method not allowed"},
		{"an unknown method", "PROPFIND " + apiKeys, session, 405, "Method not allowed"},
		{"too long", "GET " + apiKeys + "?" + strings.Repeat("a", 66000), session, 400, "path: method, path, credential and target_project_id must hold at most 65536 bytes in all, not "},

		{"a method that is none of the list's", "PUT " + apiKeys, session + site, 405, "Method not allowed"},
		{"a method that is none of a key's", "GET " + apiKeys + "/x", session, 405, "Method not allowed"},
		{"all keys", "DELETE " + apiKeys, session + site, 405, "Method not allowed"},
		{"another method in a header", "GET " + apiKeys, session + "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: " + apiKeys + "/x\r\n", 200, ""},
		{"a preflight", "OPTIONS " + apiKeys, "Origin: http://evil.test\r\nAccess-Control-Request-Method: POST\r\n", 204, ""},
		{"a preflight of a key", "OPTIONS " + apiKeys + "/x", bearer, 204, ""},
		{"a preflight of what is not there", "OPTIONS " + apiKeys + "/x/y", "", 404, page},
		{"below a key", "DELETE " + apiKeys + "/x/y", session + site, 404, page},
		{"below a key, as nobody", "DELETE " + apiKeys + "/x/y", "", 401, "Authentication required"},
		{"beside it", "GET " + apiKeys + "x", session, 404, page},
		{"another of Aeroplane's", "GET /api/projects", session, 404, page},
		{"the front end", "GET /", session, 404, page},

		{"a gateway's page", "GET /forward-auth/caddy", session + "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\n", 503, "The gateway is not known to the authorization service"},
		{"a page of AuthZEN's", "POST /access/v1/evaluation", session + site, 401, "a bearer token is needed in the header Authorization"},

		{"no key of that id", "DELETE " + apiKeys + "/x", session + site, 404, "API key not found"},
		{"no id", "DELETE " + apiKeys + "/a!b", session + site, 404, "API key not found"},
		{"an id that is too long", "DELETE " + apiKeys + "/" + strings.Repeat("a", 200), session + site, 404, "API key not found"},
	} {
		r, body := ada.send(c.line+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+c.headers, "")
		if r.StatusCode != c.status || c.text != "" && !strings.HasPrefix(body, `{"error":"`+c.text) {
			t.Errorf("%s: %d %.200s", c.name, r.StatusCode, body)
		}
		if got := r.Header.Get("WWW-Authenticate"); (got == "Bearer") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate: %q", c.name, got)
		}
		if (c.status == 204 || strings.HasPrefix(c.name, "a method that is none")) && r.Header.Get("Allow") == "" {
			t.Errorf("%s: it is not said what is allowed", c.name)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s", c.name, name)
			}
		}
	}
	if shown, _ := ada.names(); len(shown) != 1 {
		t.Errorf("there are %q", shown)
	}
}

// foreignText is what is answered to what may be another site's, by its headers: what a proxy may have left out, or changed.
func foreignText(headers string) string {
	const refused = "This request did not come from this service's own pages"
	switch {
	case strings.Contains(headers, "Sec-Fetch-Site"):
		return refused
	case strings.Contains(headers, "Origin"):
		return refused + ", or a proxy in front has put another Host: let it pass Host on as the browser sent it, with its port; X-Forwarded-Host is not read"
	}
	return refused + ", or a proxy in front has left out both Origin and Sec-Fetch-Site: let it pass them on as they came"
}

// What changes something has to come from the dashboard's own pages, as its browser tells.
func TestDashboardOrigin(t *testing.T) {
	t.Parallel()
	var log servertest.Logbook
	s := start(t, servertest.Options{Log: log.Logger()})
	ada := s.browseAsUser(t, "ada")
	id, key := ada.create(fmt.Sprintf(forAll, "k"))
	site := func(values ...string) (headers string) {
		for _, v := range values {
			headers += "Sec-Fetch-Site: " + v + "\r\n"
		}
		return headers
	}
	for _, c := range []struct {
		host, headers string
		ok            bool
	}{
		{"a.test", site("same-origin"), true}, {"a.test", "sec-fetch-site:same-origin\r\n", true},
		{"a.test", site("same-origin") + "Origin: null\r\n", true}, // as without a referrer
		{"a.test", site("same-origin") + "Origin: https://public.test\r\n", true},
		{"a.test", "", false}, {"a.test", site("same-site"), false}, {"a.test", site("cross-site"), false}, {"a.test", site("none"), false},
		{"a.test", site("Same-Origin"), false}, {"a.test", site(""), false}, {"a.test", site("same-origin", "same-origin"), false},
		{"a.test", site("cross-site", "same-origin"), false}, {"a.test", site("same-origin, cross-site"), false},
		{"a.test", site("cross-site") + "Origin: http://a.test\r\n", false}, {"a.test", site("") + "Origin: http://a.test\r\n", false},
		{"a.test", "Sec_Fetch_Site: same-origin\r\n", false}, {"a.test", "Referer: http://a.test/\r\n", false},

		{"a.test", "Origin: http://a.test\r\n", true}, {"a.test", "Origin: https://a.test\r\n", true}, {"A.Test", "Origin: https://a.test\r\n", true},
		{"a.test:443", "Origin: https://a.test\r\n", true}, {"a.test:80", "Origin: http://a.test\r\n", true}, {"a.test", "Origin: https://a.test:443\r\n", true},
		{"a.test:8080", "Origin: http://a.test:8080\r\n", true}, {"[::1]:8080", "Origin: http://[::1]:8080\r\n", true}, {"[::1]", "Origin: http://[::1]\r\n", true},
		{"a.test", "Origin: null\r\n", false}, {"a.test", "Origin:\r\n", false}, {"a.test", "Origin: a.test\r\n", false}, {"a.test", "Origin: //a.test\r\n", false},
		{"a.test", "Origin: http://b.test\r\n", false}, {"a.test", "Origin: http://x.a.test\r\n", false}, {"a.test", "Origin: http://a.test.evil\r\n", false},
		{"a.test", "Origin: http://a.test:8080\r\n", false}, {"a.test:8080", "Origin: http://a.test\r\n", false}, {"a.test:80", "Origin: https://a.test\r\n", false},
		{"a.test", "Origin: http://a.test:443\r\n", false}, {"a.test", "Origin: ftp://a.test\r\n", false}, {"a.test", "Origin: http://a.test/\r\n", false},
		{"a.test", "Origin: http://u@a.test\r\n", false}, {"a.test", "Origin: http://a.test?\r\n", false}, {"a.test", "Origin: http://a.test#\r\n", false},
		{"a.test", "Origin: http://a.test http://b.test\r\n", false}, {"a.test", "Origin: http://a.test\r\nOrigin: http://a.test\r\n", false},
		{"a.test", "Origin: http://a.test, http://a.test\r\n", false}, {"a.test", "Origin: http://%61.test\r\n", false}, {"a.test", "Origin: chrome-extension://a.test\r\n", false},
		{"", "Origin: http://\r\n", false}, {"::1", "Origin: http://[::1]\r\n", false},
		{"a.test", "X-Forwarded-Host: b.test\r\nOrigin: http://b.test\r\n", false},
	} {
		request := " HTTP/1.1\r\nHost: " + c.host + "\r\nContent-Type: application/json\r\nCookie: aeroplane_session=" + ada.session + "\r\n" + c.headers
		created, answer := ada.send("POST "+apiKeys+request, fmt.Sprintf(forAll, "by POST"))
		if got := created.StatusCode; got != map[bool]int{true: 201, false: 403}[c.ok] {
			t.Errorf("POST to %q with %q: %d %s", c.host, c.headers, got, apikey.Redact(answer))
		}
		if want := foreignText(c.headers); !c.ok && answer != `{"error":"`+want+`"}` {
			t.Errorf("POST to %q with %q: %s", c.host, c.headers, apikey.Redact(answer))
		}
		other, made := "none", 404
		if !c.ok {
			other, made = id, 403
		}
		if revoked, answer := ada.send("DELETE "+apiKeys+"/"+other+request, ""); revoked.StatusCode != made {
			t.Errorf("DELETE to %q with %q: %d %s", c.host, c.headers, revoked.StatusCode, answer)
		}
	}
	if !s.allows(t, key) {
		t.Error("the key was revoked")
	}
	if !strings.Contains(log.String(), "own pages") {
		t.Error("nobody is told of refusals")
	}
}

// What is no JSON, too large, or has a body where there is none.
func TestDashboardBodies(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada := s.browseAsUser(t, "ada")
	headers := " HTTP/1.1\r\nHost: a.test\r\nSec-Fetch-Site: same-origin\r\nCookie: aeroplane_session=" + ada.session + "\r\n"
	good, size := fmt.Sprintf(forAll, "k"), 64<<10
	for _, c := range []struct {
		line, headers, body string
		status              int
	}{
		{"POST " + apiKeys, "Content-Type: application/json\r\n", good, 201},
		{"POST " + apiKeys, "Content-Type: Application/JSON; charset=UTF-8\r\n", good, 201},
		{"POST " + apiKeys, "Content-Type: application/json;x=y\r\n", good, 201},
		{"POST " + apiKeys, "", good, 415},
		{"POST " + apiKeys, "Content-Type: text/plain\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: text/plain; application/json\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: application/json; charset=utf-16\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: application/x-www-form-urlencoded\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: application/json\r\nContent-Type: text/plain\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", good, 415},
		{"POST " + apiKeys, "Content-Type: application/json\r\n", good + strings.Repeat(" ", size-len(good)), 201},
		{"POST " + apiKeys, "Content-Type: application/json\r\n", good + strings.Repeat(" ", size-len(good)+1), 413},
		{"POST " + apiKeys, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", 400},
		{"DELETE " + apiKeys + "/x", "", "{}", 400},
		{"DELETE " + apiKeys + "/x", "Content-Length: 0\r\n", "", 404},
		{"GET " + apiKeys, "", "{}", 200},
	} {
		if r, answer := ada.send(c.line+headers+c.headers, c.body); r.StatusCode != c.status || c.status >= 400 && !strings.HasPrefix(answer, `{"error":"`) {
			t.Errorf("%s %q: %d %s", c.line, c.headers, r.StatusCode, apikey.Redact(answer))
		}
	}
}

// A route table of the operator's own cannot let anybody in who has no session: there is nobody then whose keys these could be.
func TestDashboardOfOtherRoutes(t *testing.T) {
	t.Parallel()
	routes, err := resolver.Parse(strings.NewReader("GET "+apiKeys+" any -\nPOST "+apiKeys+" public -\n* /api/** session -\nGET /** public -\n* /** session -\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, servertest.Options{Routes: routes})
	key := s.createKey(t).GetSecret()
	b := browser{t, s.HTTPAddr, "x"}
	for _, request := range []string{"GET " + apiKeys + " HTTP/1.1\r\nX-API-Key: " + key + "\r\n",
		"POST " + apiKeys + " HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"} {
		if r, answer := b.send(request+"Host: a.test\r\n", usual("")); r.StatusCode != 403 || answer != `{"error":"This endpoint requires a browser session"}` {
			t.Errorf("%.20s: %d %s", request, r.StatusCode, apikey.Redact(answer))
		}
	}
}
