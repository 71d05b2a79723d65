// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"fmt"
	"testing"

	"aeroplane.run/authz/resolver"
)

// What is printed is what the file says.
func TestWords(t *testing.T) {
	t.Parallel()
	for value, want := range map[fmt.Stringer]string{
		resolver.Public: "public", resolver.Browser: "browser", resolver.Session: "session", resolver.Owner: "owner",
		resolver.Any: "any", resolver.Who(0): "unknown", resolver.Any + 1: "unknown", resolver.Who(255): "unknown",

		resolver.Nothing: "-", resolver.ProjectList: "project-list", resolver.ProjectCreate: "project-create",
		resolver.Project: "project", resolver.ProjectSlug: "project-slug", resolver.Service: "service",
		resolver.Deployment: "deployment", resolver.ServiceTransfer: "service-transfer",
		resolver.ServiceTransfer + 1: "unknown", resolver.Scope(255): "unknown",
	} {
		if got := value.String(); got != want {
			t.Errorf("%T %d prints as %q, want %q", value, value, got, want)
		}
	}
}

func TestMethodOf(t *testing.T) {
	t.Parallel()
	for spelled, want := range map[string]resolver.Method{
		"GET": resolver.GET, "HEAD": resolver.GET, "POST": resolver.POST, "PUT": resolver.PUT, "PATCH": resolver.PATCH,
		"DELETE": resolver.DELETE, "OPTIONS": resolver.OPTIONS,
		"": 0, "*": 0, "get": 0, "Get": 0, "GET ": 0, "TRACE": 0, "CONNECT": 0, "QUERY": 0,
	} {
		if got, ok := resolver.MethodOf(spelled); got != want || ok != (want != 0) {
			t.Errorf("MethodOf(%q) = %d, %v; want %d", spelled, got, ok, want)
		}
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	for m := range resolver.OPTIONS + 1 {
		want := m != 0 && m != resolver.GET && m != resolver.OPTIONS
		if m.Writes() != want {
			t.Errorf("method %d: Writes() = %v", m, m.Writes())
		}
	}
}
