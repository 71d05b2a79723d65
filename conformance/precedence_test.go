// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"strconv"
	"strings"
	"testing"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// headersOf turns "Bearer x", "X-API-Key x" or "Cookie x" into a header, and several of them, one a line, into several.
func headersOf(credentials string) [][2]string {
	var headers [][2]string
	for line := range strings.Lines(credentials) {
		line = strings.TrimSuffix(line, "\n")
		switch name, value, _ := strings.Cut(line, " "); name {
		case "X-API-Key", "Cookie":
			headers = append(headers, [2]string{name, value})
		default:
			headers = append(headers, [2]string{"Authorization", line})
		}
	}
	return headers
}

// Each refusal, in the order in which they apply: every row fails for the reason that it is named for and for as many
// of the later ones as one request can, and still gets the first.
func TestOrderOfRefusals(t *testing.T) {
	const (
		method = "405 Method not allowed"
		path   = "400 Malformed request path"
		owner  = "403 Owner access is required"
		outKey = keyScope
		outSes = "403 This session cannot access that project"
	)
	user2 := "Cookie aeroplane_session={session:user2}"
	expired := "Cookie aeroplane_session={session:expired}"
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		for _, c := range []call{
			// 1. The method, then the path, whatever else is wrong, also where all are allowed.
			{"get", "/api//projects", "Bearer {key:garbage}", method},
			{"FOO", "/api/health", "", method},
			{"", "", "", method},
			{"GET", "/api//projects", "Bearer {key:garbage}", path},
			{"OPTIONS", "/api//projects", "", path},
			{"GET", "/api/health/", "", path},
			{"GET", "", "", path},
			// 2. Preflights and public routes, with any credential.
			{"OPTIONS", "/api/system/settings", "Bearer {key:garbage}", ok},
			{"OPTIONS", "/api/projects", "Bearer a\nBearer b", ok},
			{"GET", "/api/health", "Bearer a\nBearer b", ok},
			{"GET", "/", "Bearer {key:garbage}", ok},
			// 3. A bad key, before everything that the route asks for. A good session does not help.
			{"POST", "/api/auth/login", "Bearer {key:garbage}", invalidKey},
			{"GET", "/api/system/settings", "Bearer {key:expired write/all}", invalidKey},
			{"DELETE", "/api/projects/{projectC.id}", "Bearer {key:expired read/selected[A]}", invalidKey},
			{"GET", "/api/projects", "Bearer {key:garbage}\nCookie aeroplane_session={session:owner}", invalidKey},
			{"POST", "/api/projects", "Bearer {key:write/all}\nX-API-Key {key:read/all}", invalidKey},
			{"POST", "/api/auth/login", "Bearer a, Bearer b", invalidKey},
			// 4. A good key on a sign-in page; anybody else may pass.
			{"POST", "/api/auth/login", "Bearer {key:read/selected[]}", needBrowser},
			{"POST", "/api/auth/login", expired, ok},
			{"POST", "/api/auth/login", "", ok},
			// 5. Nobody, before the role.
			{"GET", "/api/system/settings", "", whoAreYou},
			{"GET", "/api/system/settings", expired, whoAreYou},
			{"DELETE", "/api/projects/{projectC.id}", "Cookie aeroplane_session={session:garbage}", whoAreYou},
			{"PUT", "/nowhere", "", whoAreYou},
			// 6. A key where a session is needed, before its access level and scope.
			{"POST", "/api/system/settings", "Bearer {key:read/selected[]}", needBrowser},
			{"POST", "/api/services/{serviceC.id}/domains/x/dns-records", "Bearer {key:read/selected[A]}", needBrowser},
			{"GET", "/api/no-such-route", "Bearer {key:write/all}", needBrowser},
			// 7. A session that is no owner's, before its scope.
			{"POST", "/api/services/{serviceA.id}/domains/x/dns-records", user2, owner},
			{"GET", "/api/system/users", user2, owner},
			// 8. A read key that writes, before its scope.
			{"DELETE", "/api/projects/{projectC.id}", "Bearer {key:read/selected[A]}", readOnly},
			{"POST", "/api/projects", "Bearer {key:read/selected[A]}", readOnly},
			{"PUT", "/api/services/{serviceX.id}/x", "Bearer {key:read/all}", readOnly},
			// 9. Out of scope: somebody else's, nobody's and the unknown are not told apart.
			{"DELETE", "/api/projects/{projectC.id}", "Bearer {key:write/all}", outKey},
			{"DELETE", "/api/projects/{projectO.id}", "Bearer {key:write/all}", outKey},
			{"DELETE", "/api/projects/never-was", "Bearer {key:write/all}", outKey},
			{"DELETE", "/api/projects/{projectC.id}", "Cookie aeroplane_session={session:owner}", outSes},
			{"DELETE", "/api/projects/never-was", "Cookie aeroplane_session={session:owner}", outSes},
			{"DELETE", "/api/projects/{projectO.id}", "Cookie aeroplane_session={session:owner}", ok},
			{"DELETE", "/api/projects/{projectO.id}", user2, outSes},
		} {
			if got := outcome(f.ask(c.method, c.path, headersOf(c.credential), nil)); got != c.want {
				t.Errorf("%s %s with %q: %q, want %q", c.method, c.path, c.credential, got, c.want)
			}
		}
	})
}
