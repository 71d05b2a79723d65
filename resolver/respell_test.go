// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"strings"
	"testing"

	"aeroplane.run/authz/resolver"
)

func TestRespell(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/api//projects":                  "/api/projects",
		"////api///projects//":            "/api/projects",
		"/api/projects/?q":                "/api/projects",
		"/api/projects#top":               "/api/projects",
		"/API/Projects/X":                 "/api/projects/X",
		"/api/PROJECTS/PROJECTS":          "/api/projects/PROJECTS",
		"/api/services/TRANSFER/TRANSFER": "/api/services/TRANSFER/transfer",
		"/%61pi/%70rojects/a%2Db":         "/api/projects/a-b",
		"/API//%50rojects/":               "/api/projects",

		// What is not plain. None of these has one spelling that all would agree on.
		"":                      "",
		"api/projects":          "",
		"http://x/api/projects": "",
		"/api/a b":              "",
		"/api/x/../projects":    "",
		"/api/%2e%2e/projects":  "",
		"/api/a%2Fb":            "",
		"/api/%zz":              "",
		"/api;x/projects":       "",
		"/api:/projects":        "",
		"/" + strings.Repeat("a", resolver.MaxTarget): "",
	} {
		path, ok := resolver.Default().Respell(target)
		if path != want || ok != (want != "") {
			t.Errorf("Respell(%.60q) = %.60q, %v; want %.60q", target, path, ok, want)
		}
	}
}
