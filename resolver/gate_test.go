// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aeroplane.run/authz/resolver"
)

// target has a path of n bytes.
func target(n int) string { return "/" + strings.Repeat("a", n-1) }

func TestGateAccepts(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/", "/index.html", "/docs/", "/docs/a/b/", "/.well-known/x", "/...", "/a..b", "/..a", "/a.",
		"/api", "/api/x", "/api/projects/.x", "/api/projects/...",
		"/-._~!$&'()*+,=:@/x", // every byte that a path may hold, besides letters and digits
		target(8192),

		// Escapes of what needs them, in digits of either case. They are not decoded.
		"/a%20b", "/%22%3c%3E%5B%5d%5E%60%7B%7c%7D", "/%21%24%26%27%28%29%2A%2B%2C%3A%3D%40",

		// What only resembles /api is the front end.
		"/apix", "/api-docs", "/api.json", "/api_", "/api~", "/api2", "/API.x", "/Apix/y", "/ap", "/ap/i", "/x/API",

		// Literals count under /api, whole, and at their own place.
		"/Projects", "/x/API/PROJECTS", "/api/projects/PROJECTS", "/api/x/PROJECTS", "/api/PROJECTSX", "/api/project",
		"/api/projects/x/TRANSFER", "/api/services/TRANSFER", "/api/github/x/WEBHOOK",
		"/api/services/x/database/x/SETTINGS", "/api/services/x/y/z/TRANSFER",
	} {
		path, err := resolver.Default().Gate(target)
		if err != nil || path != target {
			t.Errorf("Gate(%.60q) = %.60q, %v; want it accepted as it is", target, path, err)
		}
	}
}

func TestGateCutsTheQuery(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/?":                              "/",
		"/api?x":                          "/api",
		"/api/x?/":                        "/api/x",
		"/a?b?c":                          "/a",
		"/a?//../.;%2e%zz%":               "/a", // rules for paths end with the path
		"/a?\\\"<>[]^`{|}":                "/a",
		"/api/x?/PROJECTS":                "/api/x",
		"/api?/API:":                      "/api",
		"/a?" + strings.Repeat("a", 8189): "/a",
	} {
		if path, err := resolver.Default().Gate(target); err != nil || path != want {
			t.Errorf("Gate(%.60q) = %.60q, %v; want %q", target, path, err, want)
		}
	}
}

// refused holds targets for every refusal.
var refused = map[resolver.Refusal][]string{
	resolver.TooLong:   {target(8193), "/a?" + strings.Repeat("a", 8190), target(64 << 10)},
	resolver.NotRooted: {"", "api", "?", "*", "http://example.com/api", "%2Fapi", "\\api", " /api", "#"},
	resolver.Unprintable: {
		"/a b", "/a\tb", "/a\x00", "/a\r\nX: y", "/\x7f", "/\x80", "/\u00fc", "/\u2215", "/a\u212a", "/a?b c", "/a?\x00", "/a?\u00fc",
	},
	resolver.Fragment: {"/#", "/a#b", "/a?b#c", "/#?"},
	resolver.ForbiddenByte: {
		`/a\b`, `/\`, `/a"`, "/<", "/>", "/[", "/]", "/^", "/`", "/{", "/|", "/}", "/a;b", "/;", "/api/projects;x=1", "/api;",
	},
	resolver.BrokenEscape: {"/%", "/a%2", "/%2/", "/%g0", "/%0g", "/%u0041", "/%2?0", "/%?20", "/%%20"},
	resolver.ForbiddenEscape: {
		"/%00", "/%0a", "/%1F", "/%7F", "/%7f", "/%80", "/%C3%BC", "/%ff", "/%2F", "/%2f", "/%5C", "/%5c", "/%25", "/%252F",
		"/%2E", "/%2e%2e", "/%3B", "/%23", "/%3F", "/%61", "/%41", "/%7A", "/%30", "/%39", "/%2D", "/%5F", "/%7E",
		"/api/%70rojects", "/api%2Fx", "/%61pi/x",
	},
	resolver.EmptySegment:  {"//", "//api", "/a//b", "/a//", "/api//", "/api//x", "/api/x//", "//?", "///"},
	resolver.TrailingSlash: {"/api/", "/api/x/", "/api/projects/", "/api/?x", "/api/projects/x/services/"},
	resolver.DotSegment:    {"/.", "/..", "/./", "/../", "/a/./b", "/a/../b", "/a/.", "/a/..", "/api/..", "/api/./x", "/./api"},
	resolver.OtherAPI: {
		"/API", "/Api", "/aPi", "/apI", "/API/x", "/Api/x", "/API?x", "/API/",
		"/api:1", "/api@x", "/api!", "/api,x/y", "/api%20", "/api%20/x", "/API:1", "/api=", "/api+x", "/api*", "/api'", "/api&",
	},
	resolver.OtherCase: {
		"/api/PROJECTS", "/api/Projects/x", "/api/projectS?x", "/api/services/x/TRANSFER", "/api/services/x/transFer/y",
		"/api/Services/x/transfer", "/api/services/x/database/backups/SETTINGS", "/api/github/app/WEBHOOK",
		"/api/github/APP", "/api/GITHUB/x", "/api/system/API-KEYS", "/api/system/DNS/x",
		// Places are reached by segments as they are, whatever the method of the row.
		"/api/services/services/Env", "/api/services/x/ENV/y", "/api/projects/projects/Services",
		"/api/services/x/domains/y/DNS-records", "/api/system/ai/Providers/y",
	},
}

func TestGateRefuses(t *testing.T) {
	t.Parallel()
	for _, want := range resolver.Refusals() {
		if len(refused[want]) == 0 {
			t.Errorf("no target is refused for %q", want)
		}
		for _, target := range refused[want] {
			path, err := resolver.Default().Gate(target)
			if !errors.Is(err, want) || path != "" {
				t.Errorf("Gate(%.60q) = %q, %v; want %v", target, path, err, want)
			}
		}
	}
}

// Every byte, as it is and as an escape, in the path and in the query.
func TestGateEveryByte(t *testing.T) {
	t.Parallel()
	const (
		digits  = "0123456789"
		letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	for i := range 256 {
		c := string([]byte{byte(i)})
		plain := strings.Contains(letters+digits+"-._~!$&'()*+,=:@/?%", c)
		escaped := i >= 0x20 && i < 0x7F && !strings.Contains(letters+digits+`-._~/\%;#?`, c)
		query := i > 0x20 && i < 0x7F && i != '#'
		for target, want := range map[string]bool{
			"/x" + c + "20":                   plain,
			fmt.Sprintf("/x%%%02X", i):        escaped,
			fmt.Sprintf("/x%%%02xy", i):       escaped,
			"/x?" + c:                         query,
			fmt.Sprintf("/x?%%%02x", i):       true,
			"/api" + c + "x":                  strings.Contains(letters+digits+"-._~/?", c),
			"/aPi" + c + "x":                  strings.Contains(letters+digits+"-._~", c),
			fmt.Sprintf("/api%%%02xx", i):     false,
			fmt.Sprintf("/api/%%%02X/y/z", i): escaped,
		} {
			if _, err := resolver.Default().Gate(target); (err == nil) != want {
				t.Errorf("Gate(%q): %v; want it accepted: %v", target, err, want)
			}
		}
	}
}

// All places that a path reaches count, not just the one of the most specific row.
func TestGateCaseOnEveryBranch(t *testing.T) {
	t.Parallel()
	table := parse(t, `
		* /** session -
		* /api/a/one any -
		* /api/{x}/two any -
		* /{x}/{y}/three any -
		* /a/b/four any -
	`)
	for path, want := range map[string]bool{
		"/api/a/one": true, "/api/a/ONE": false, "/api/x/ONE": true, "/api/A/one": false,
		"/api/a/two": true, "/api/a/TWO": false, "/api/x/TWO": false,
		"/api/a/three": true, "/api/a/THREE": false, "/api/x/THREE": false, "/x/x/THREE": true,
		"/a/b/FOUR": true, "/A/B/four": true, "/api/b/FOUR": true,
	} {
		if _, err := table.Gate(path); (err == nil) != want {
			t.Errorf("Gate(%q): %v; want it accepted: %v", path, err, want)
		}
	}
}

func TestRefusalsSayNothingOfTheTarget(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range resolver.Refusals() {
		if seen[r.Error()] || r.Error() == "" {
			t.Errorf("refusal %d has the text %q, which is empty or another's", r, r)
		}
		seen[r.Error()] = true
	}
}
