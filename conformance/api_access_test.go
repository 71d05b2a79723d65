// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The public texts.
const (
	ok          = ""
	invalidKey  = "401 Invalid or expired API key"
	whoAreYou   = "401 Authentication required"
	needBrowser = "403 This endpoint requires a browser session"
	readOnly    = "403 This API key is read-only"
	keyScope    = "403 This API key cannot access that project"
)

// outcome is "" for an allow, else status and message.
func outcome(a *authzv1.AuthorizeResponse) string {
	if a.Allowed {
		return ok
	}
	return itoa(a.Denial.HttpStatus) + " " + a.Denial.Message
}

// A call is one request: its method, its path, and its credential as "Bearer ...", "X-API-Key ..." or "Cookie ...".
type call struct {
	method, path, credential string
	want                     string
}

// TestAPIAccessPage follows what Aeroplane's page on API access tells its readers, sentence by sentence and in its
// order. Sentences about the dialog for making keys are tested with the calls that make them.
func TestAPIAccessPage(t *testing.T) {
	const (
		all      = "Bearer {key:write/all}"
		allRead  = "Bearer {key:read/all}"
		selected = "Bearer {key:write/selected[A]}"
		selRead  = "Bearer {key:read/selected[A]}"
		browser  = "Cookie aeroplane_session={session:owner}"
	)
	sentences := []struct {
		says  string
		calls []call
	}{
		{"keys let programs call Aeroplane without a browser session", []call{
			{"GET", "/api/projects", all, ok},
			{"POST", "/api/services/{serviceA.id}/deployments", all, ok},
		}},
		{"keys use the same endpoints as the dashboard", []call{
			{"GET", "/api/services/{serviceA.id}/overview", all, ok},
			{"GET", "/api/services/{serviceA.id}/overview", browser, ok},
		}},
		{"browsers authenticate with the session cookie", []call{
			{"GET", "/api/projects", browser, ok},
			{"GET", "/api/projects", "Cookie other={session:owner}", whoAreYou},
		}},
		{"programs authenticate with a bearer token", []call{
			{"GET", "/api/projects", all, ok},
			{"GET", "/api/projects", "Basic {key:write/all}", whoAreYou},
		}},
		{"X-API-Key is accepted too", []call{
			{"GET", "/api/projects", "X-API-Key {key:write/all}", ok},
			{"GET", "/api/projects", "X-API-Key {key:garbage}", invalidKey},
		}},
		{"read keys can call GET endpoints", []call{
			{"GET", "/api/projects", allRead, ok},
			{"GET", "/api/projects/{projectA.slug}", allRead, ok},
			{"GET", "/api/services/{serviceA.id}/overview", selRead, ok},
		}},
		{"read and write keys can call GET, POST, PATCH and DELETE endpoints", []call{
			{"GET", "/api/services/{serviceA.id}/overview", all, ok},
			{"POST", "/api/services/{serviceA.id}/env", all, ok},
			{"PATCH", "/api/services/{serviceA.id}", all, ok},
			{"DELETE", "/api/services/{serviceA.id}", all, ok},
		}},
		{"read-only keys are answered 403 for write actions", []call{
			{"POST", "/api/services/{serviceA.id}/env", allRead, readOnly},
			{"PATCH", "/api/services/{serviceA.id}", allRead, readOnly},
			{"DELETE", "/api/services/{serviceA.id}", allRead, readOnly},
			{"POST", "/api/projects", allRead, readOnly},
		}},
		{"keys for all projects can access every project", []call{
			{"PATCH", "/api/projects/{projectA.id}", all, ok},
			{"PATCH", "/api/projects/{projectB.id}", all, ok},
			{"PATCH", "/api/projects/{projectS1.id}", all, ok},
		}},
		{"according to their access level", []call{
			{"PATCH", "/api/projects/{projectB.id}", allRead, readOnly},
		}},
		{"keys for specific projects can only access these", []call{
			{"PATCH", "/api/projects/{projectA.id}", selected, ok},
			{"PATCH", "/api/projects/{projectB.id}", selected, keyScope},
			{"GET", "/api/projects/{projectB.slug}", selected, keyScope},
		}},
		{"a service route is resolved to the service's project first", []call{
			{"GET", "/api/services/{serviceA2.id}/overview", selected, ok},
			{"GET", "/api/services/{serviceB.id}/overview", selected, keyScope},
		}},
		{"a deployment route is resolved to its service, then to the service's project", []call{
			{"GET", "/api/deployments/{deploymentA2.id}/logs", selected, ok},
			{"GET", "/api/deployments/{deploymentB.id}/logs", selected, keyScope},
		}},
		{"keys for selected projects cannot create projects", []call{
			{"POST", "/api/projects", selected, keyScope},
		}},
		{"a write key for all projects can", []call{
			{"POST", "/api/projects", all, ok},
		}},
		{"some endpoints cannot be called with a key: the system's", []call{
			{"GET", "/api/system", all, needBrowser},
			{"GET", "/api/system/anything/at/all", all, needBrowser},
			{"POST", "/api/system/settings", all, needBrowser},
		}},
		{"... creating and revoking keys", []call{
			{"POST", "/api/system/api-keys", all, needBrowser},
			{"DELETE", "/api/system/api-keys/some-key", all, needBrowser},
		}},
		{"... browsing GitHub repositories", []call{
			{"GET", "/api/github/repos", all, needBrowser},
			{"GET", "/api/github/branches", all, needBrowser},
			{"GET", "/api/github/directories", all, needBrowser},
		}},
		{"... importing from Railway", []call{
			{"POST", "/api/integrations/railway/import", all, needBrowser},
			{"POST", "/api/integrations/anything", all, needBrowser},
		}},
		{"... onboarding, login, logout and setup", []call{
			{"POST", "/api/system/onboarding/restart", all, needBrowser},
			{"POST", "/api/auth/login", all, needBrowser},
			{"POST", "/api/auth/logout", all, needBrowser},
			{"POST", "/api/auth/setup", all, needBrowser},
		}},
		{"GitHub's webhooks and health checks are public", []call{
			{"POST", "/api/github/app/webhook", "", ok},
			{"GET", "/api/health", "", ok},
			{"GET", "/api/health", "Bearer {key:garbage}", ok},
		}},
		{"401 Authentication required: neither a session nor a key", []call{
			{"GET", "/api/projects", "", whoAreYou},
		}},
		{"401 Invalid or expired API key: wrong, revoked or expired", []call{
			{"GET", "/api/projects", "Bearer {key:garbage}", invalidKey},
			{"GET", "/api/projects", "Bearer nonsense", invalidKey},
			{"GET", "/api/projects", "Bearer {key:revoked write/all}", invalidKey},
			{"GET", "/api/projects", "Bearer {key:expired write/all}", invalidKey},
		}},
		{"403 This API key is read-only", []call{
			{"DELETE", "/api/projects/{projectA.id}", "Bearer {key:read/selected[A]}", readOnly},
		}},
		{"403 This API key cannot access that project", []call{
			{"DELETE", "/api/projects/{projectB.id}", selected, keyScope},
		}},
		{"403 This endpoint requires a browser session", []call{
			{"GET", "/api/system/api-keys", allRead, needBrowser},
		}},
	}
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		for _, s := range sentences {
			for _, c := range s.calls {
				if got := outcome(f.ask(c.method, c.path, headersOf(c.credential), nil)); got != c.want {
					t.Errorf("%s: %s %s with %q: %q, want %q", s.says, c.method, c.path, c.credential, got, c.want)
				}
			}
		}

		// Revoking takes effect at once: scripts that use the key are refused from the next request on.
		const victim = "{key:read/selected[A,B]}"
		request := call{"GET", "/api/projects", "Bearer " + victim, ok}
		for _, want := range []string{ok, invalidKey} {
			if got := outcome(f.ask(request.method, request.path, headersOf(request.credential), nil)); got != want {
				t.Errorf("around the revocation: %q, want %q", got, want)
			}
			keyID := f.expand(victim)[3:19]
			if _, err := f.keys.RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: keyID}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
