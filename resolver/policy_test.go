// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/resolver"
)

// The default table, read as a policy: what a request falls under, and the id that its scope is about.
func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ request, row, id string }{
		// The front end, and nothing else outside /api, is public.
		{"GET /", "GET /** public -", ""},
		{"HEAD /", "GET /** public -", ""},
		{"GET /apix", "GET /** public -", ""},
		{"GET /assets/app.js", "GET /** public -", ""},
		{"GET /docs/", "GET /** public -", ""},
		{"GET /x/api/projects", "GET /** public -", ""},
		{"POST /", "* /** session -", ""},
		{"PUT /projects", "* /** session -", ""},
		{"DELETE /docs/", "* /** session -", ""},

		// Under /api what no row names needs a session.
		{"GET /api", "* /api/** session -", ""},
		{"POST /api", "* /api/** session -", ""},
		{"GET /api/new", "* /api/** session -", ""},
		{"GET /api/project", "* /api/** session -", ""},
		{"PUT /api/projects", "* /api/** session -", ""},
		{"DELETE /api/health", "* /api/** session -", ""},
		{"GET /api/services", "* /api/** session -", ""},
		{"GET /api/auth/login", "* /api/** session -", ""},

		// Public and sign-in endpoints.
		{"GET /api/health", "GET /api/health public -", ""},
		{"HEAD /api/health", "GET /api/health public -", ""},
		{"GET /api/assets/framework-icons/go.svg", "GET /api/assets/framework-icons/{file} public -", ""},
		{"GET /api/assets/framework-icons/a/b", "* /api/** session -", ""},
		{"POST /api/github/app/webhook", "POST /api/github/app/webhook public -", ""},
		{"GET /api/github/app/webhook", "* /api/github/** owner -", ""},
		{"POST /api/auth/login", "POST /api/auth/login browser -", ""},
		{"GET /api/github/manifest", "* /api/github/** owner -", ""},
		{"GET /api/github/manifest/callback", "GET /api/github/manifest/callback browser -", ""},

		// A project is read by its slug and changed by its id.
		{"GET /api/projects", "GET /api/projects any project-list", ""},
		{"POST /api/projects", "POST /api/projects any project-create", ""},
		{"GET /api/projects/x", "GET /api/projects/{projectSlug} any project-slug", "x"},
		{"HEAD /api/projects/x", "GET /api/projects/{projectSlug} any project-slug", "x"},
		{"PATCH /api/projects/x", "PATCH /api/projects/{projectId} any project", "x"},
		{"DELETE /api/projects/x", "DELETE /api/projects/{projectId} any project", "x"},
		{"POST /api/projects/x", "* /api/projects/{projectId}/** any project", "x"},
		{"PUT /api/projects/x", "* /api/projects/{projectId}/** any project", "x"},
		{"GET /api/projects/x/services", "* /api/projects/{projectId}/** any project", "x"},
		{"POST /api/projects/x/services", "POST /api/projects/{projectId}/services any project", "x"},
		{"GET /api/projects/x/new/y/z", "* /api/projects/{projectId}/** any project", "x"},
		{"GET /api/search", "GET /api/search any project-list", ""},

		// Services, and what lies below them.
		{"GET /api/services/x", "* /api/services/{serviceId}/** any service", "x"},
		{"PATCH /api/services/x", "PATCH /api/services/{serviceId} any service", "x"},
		{"POST /api/services/transfer", "* /api/services/{serviceId}/** any service", "transfer"},
		{"POST /api/services/x/transfer", "POST /api/services/{serviceId}/transfer any service-transfer", "x"},
		{"PUT /api/services/x/transfer", "* /api/services/{serviceId}/transfer/** any service-transfer", "x"},
		{"POST /api/services/x/transfer/y", "* /api/services/{serviceId}/transfer/** any service-transfer", "x"},
		{"POST /api/services/x/y/transfer", "* /api/services/{serviceId}/** any service", "x"},
		{"PATCH /api/services/x/database/backups/settings",
			"PATCH /api/services/{serviceId}/database/backups/settings any service", "x"},
		{"DELETE /api/services/x/database/backups/settings",
			"DELETE /api/services/{serviceId}/database/backups/{backupId} any service", "x"},
		{"GET /api/services/x/database/backups/settings", "* /api/services/{serviceId}/** any service", "x"},
		{"GET /api/services/x/database/backups/settings/download",
			"GET /api/services/{serviceId}/database/backups/{backupId}/download any service", "x"},
		{"GET /api/services/a%20b/env", "* /api/services/{serviceId}/** any service", "a%20b"},
		{"POST /api/services/x/domains/y/dns-records",
			"POST /api/services/{serviceId}/domains/{domainId}/dns-records owner service", "x"},
		{"GET /api/services/x/domains/y/dns-records/z",
			"* /api/services/{serviceId}/domains/{domainId}/dns-records/** owner service", "x"},
		{"GET /api/services/x/domains/y/z", "* /api/services/{serviceId}/** any service", "x"},

		// Deployments.
		{"GET /api/deployments/x/logs", "GET /api/deployments/{deploymentId}/logs any deployment", "x"},
		{"POST /api/deployments/x/logs", "* /api/deployments/{deploymentId}/** any deployment", "x"},
		{"GET /api/deployments", "* /api/** session -", ""},

		// The system is the owner's, but for keys, models and backup storage.
		{"GET /api/system", "GET /api/system owner -", ""},
		{"POST /api/system", "* /api/system owner -", ""},
		{"GET /api/system/new", "* /api/system/** session -", ""},
		{"GET /api/system/api-keys", "GET /api/system/api-keys session -", ""},
		{"DELETE /api/system/api-keys/x", "DELETE /api/system/api-keys/{apiKeyId} session -", ""},
		{"PUT /api/system/settings", "* /api/system/settings/** owner -", ""},
		{"GET /api/system/users/x", "* /api/system/users/** owner -", ""},
		{"GET /api/system/dns/x", "* /api/system/dns/** owner -", ""},
		{"DELETE /api/system/dns/x", "DELETE /api/system/dns/{provider} owner -", ""},
		{"DELETE /api/system/users", "* /api/system/users/** owner -", ""},
	} {
		spelled, target, _ := strings.Cut(test.request, " ")
		m, ok := resolver.MethodOf(spelled)
		if !ok {
			t.Fatalf("%s: no such method", test.request)
		}
		path, err := resolver.Default().Gate(target)
		if err != nil {
			t.Errorf("%s: %v", test.request, err)
			continue
		}
		got := resolver.Default().Match(m, path)
		if row := strings.ReplaceAll(got.Route.String(), "\t", " "); row != test.row || got.ID != test.id {
			t.Errorf("%s: %s, id %q; want %s, id %q", test.request, row, got.ID, test.row, test.id)
		}
	}
}

// Each row applies to the path that its own pattern spells.
func TestDefaultRowsMatchTheirOwnPatterns(t *testing.T) {
	t.Parallel()
	table := resolver.Default()
	routes := table.Routes()
	if len(routes) != 124 {
		t.Errorf("the default table has %d rows, want 124", len(routes))
	}
	for i, row := range routes {
		if i > 0 && row.Line <= routes[i-1].Line {
			t.Errorf("line %d comes after line %d", row.Line, routes[i-1].Line)
		}
		target := strings.NewReplacer("{", "a-", "}", "", "**", "a-rest/b").Replace(row.Pattern)
		path, err := table.Gate(target)
		if err != nil {
			t.Errorf("line %d: Gate(%q): %v", row.Line, target, err)
			continue
		}
		m, named := resolver.MethodOf(row.Method)
		if !named {
			m = resolver.PUT // which no row of the default table names
		}
		got := table.Match(m, path)
		if diff := cmp.Diff(row, *got.Route); diff != "" {
			t.Errorf("line %d: %s %s (-want +got):\n%s", row.Line, row.Method, path, diff)
		}
		if want := naiveID(row, path); got.ID != want {
			t.Errorf("line %d: the id is %q, want %q", row.Line, got.ID, want)
		}
	}
}
