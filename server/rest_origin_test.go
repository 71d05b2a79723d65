// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// foreignHeaders are what a request may have that another site's page made a browser send, or that its browser cannot be believed of.
var foreignHeaders = map[string]string{
	"no origin":                    asJSON,
	"another origin":               asJSON + "Origin: http://evil.test\r\n",
	"another origin, of our name":  asJSON + "Origin: http://aeroplane.test.evil.test\r\n",
	"another origin below ours":    asJSON + "Origin: http://x.aeroplane.test\r\n",
	"an origin that is not told":   asJSON + "Origin: null\r\n",
	"another port":                 asJSON + "Origin: http://aeroplane.test:8080\r\n",
	"another scheme":               asJSON + "Origin: chrome-extension://aeroplane.test\r\n",
	"two origins":                  asJSON + "Origin: http://aeroplane.test\r\nOrigin: http://evil.test\r\n",
	"a referrer alone":             asJSON + "Referer: http://aeroplane.test/authz/\r\n",
	"another host that is told of": asJSON + "X-Forwarded-Host: evil.test\r\nOrigin: http://evil.test\r\n",
	"the same site":                asJSON + "Sec-Fetch-Site: same-site\r\n",
	"another site":                 asJSON + "Sec-Fetch-Site: cross-site\r\n",
	"another site of our origin":   asJSON + "Sec-Fetch-Site: cross-site\r\nOrigin: http://aeroplane.test\r\n",
	"an address that was typed":    asJSON + "Sec-Fetch-Site: none\r\n",
	"two sites":                    asJSON + ownPage + "Sec-Fetch-Site: cross-site\r\n",
	"no kind of content":           ownPage,
	"plain text":                   ownPage + "Content-Type: text/plain\r\n",
	"plain text that says JSON":    ownPage + "Content-Type: text/plain; application/json\r\n",
	"a form":                       ownPage + "Content-Type: application/x-www-form-urlencoded\r\n",
	"a form of parts":              ownPage + "Content-Type: multipart/form-data; boundary=x\r\n",
	"two kinds of content":         ownPage + "Content-Type: text/plain\r\n" + asJSON,
	"content in another coding":    ownPage + asJSON + "Content-Encoding: gzip\r\n",
	"a form from another site":     "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.test\r\n",
}

// Another site's page changes nothing by the cookies of who looks at it.
func TestRESTOrigin(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	id := s.createKey(t).GetKey().GetId()
	cookies := map[string]string{"an owner's session": sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER).session), "a console session": consoleCookie(s.openConsole(t))}
	before := s.state(t)
	calls, _ := contract(t)
	paged := map[string]bool{}
	for _, name := range server.PageCalls() {
		paged[name] = true
	}
	for of, cookie := range cookies {
		for _, c := range calls {
			if !c.writes() {
				continue
			}
			body := map[string]string{"KeyService/CreateKey": fmt.Sprintf(restKey, "k", ""), "CatalogService/PutProject": `{"slug":"s"}`,
				"CatalogService/PutService": `{"projectId":"p"}`, "CatalogService/PutDeployment": `{"serviceId":"s"}`}[c.name()]
			if body == "" && c.body != "" {
				body = "{}"
			}
			for name, headers := range foreignHeaders {
				for _, body := range []string{body, ""} {
					r, answer := s.rest(t, c.method, c.target(id), cookie+headers, body)
					if r.StatusCode != 403 && r.StatusCode != 415 {
						t.Errorf("%s, %s %q by %s: %d %s", name, c.name(), body, of, r.StatusCode, answer)
					}
					if r.StatusCode == 403 && refused(t, answer).Message != foreignText(headers) {
						t.Errorf("%s, %s %q by %s: %s", name, c.name(), body, of, answer)
					}
				}
			}
			if after := s.state(t); after != before {
				t.Fatalf("%s by %s: there was\n%s\nand now is\n%s", c.name(), of, before, after)
			}
			if !paged[c.fullName()] {
				continue
			}
			// It was for these headers that it was refused.
			if r, answer := s.rest(t, c.method, c.target("none"), cookie+asJSON+"Origin: http://aeroplane.test\r\n", "{}"); r.StatusCode == 403 || r.StatusCode == 415 {
				t.Errorf("%s by %s from our own page: %d %s", c.name(), of, r.StatusCode, answer)
			}
		}
	}
}

// A method that is said in another place than where methods are is none: what may be sent from anywhere goes by the method.
func TestRESTMethodOverride(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	id := s.createKey(t).GetKey().GetId()
	cookie := sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER).session)
	before := s.state(t)
	form := "Content-Type: application/x-www-form-urlencoded\r\n"
	for _, c := range []struct {
		line, headers, body string
		status              int
	}{
		{"GET /authz/v1/keys/" + id + ":revoke", "", "", 405},
		{"GET /authz/v1/keys/" + id + ":revoke", "X-HTTP-Method-Override: POST\r\n", "", 405},
		{"GET /authz/v1/keys/" + id + ":revoke", "X-Method-Override: POST\r\nX-HTTP-Method: POST\r\n", "", 405},
		{"GET /authz/v1/keys/" + id + ":revoke?_method=POST", "", "", 405},
		{"GET /authz/v1/keys", "X-HTTP-Method-Override: POST\r\n" + asJSON, fmt.Sprintf(restKey, "k", ""), 400}, // a GET with a body
		{"POST /authz/v1/keys", "X-HTTP-Method-Override: GET\r\n" + form, "userId=ada", 403},
		{"POST /authz/v1/events", "X-HTTP-Method-Override: GET\r\n" + form, "", 403}, // a form that stands for a GET
		{"POST /authz/v1/keys/" + id, ownPage + "X-HTTP-Method-Override: GET\r\n" + form, "", 415},
		{"POST /authz/v1/projects/p", ownPage + asJSON + "X-HTTP-Method-Override: DELETE\r\n", "{}", 405},
		{"HEAD /authz/v1/keys/" + id + ":revoke", "", "", 405},
		{"OPTIONS /authz/v1/keys", "Origin: http://evil.test\r\nAccess-Control-Request-Method: POST\r\n", "", 403},
		{"post /authz/v1/keys/" + id + ":revoke", "", "{}", 403},
	} {
		method, target, _ := strings.Cut(c.line, " ")
		if r, answer := s.rest(t, method, target, cookie+c.headers, c.body); r.StatusCode != c.status {
			t.Errorf("%s with %q: %d, want %d: %s", c.line, c.headers, r.StatusCode, c.status, answer)
		}
	}
	if after := s.state(t); after != before {
		t.Errorf("there was\n%s\nand now is\n%s", before, after)
	}
	// Nor for who has a token.
	for _, target := range []string{"/authz/v1/events", "/authz/v1/keys/" + id} {
		if r, answer := s.rest(t, "POST", target, s.bearer()+"X-HTTP-Method-Override: GET\r\n"+form, ""); r.StatusCode != 405 {
			t.Errorf("POST %s as GET: %d %s", target, r.StatusCode, answer)
		}
	}
}

// Nor does another site's page sign anybody in or out.
func TestConsoleOrigin(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	code, token := s.link(t), s.openConsole(t)
	for name, headers := range foreignHeaders {
		for target, body := range map[string]string{"/authz/sign-in": `{"code":"` + code + `"}`, "/authz/sign-out": "{}"} {
			r, answer := s.rest(t, "POST", target, consoleCookie(token)+headers, body)
			if r.StatusCode != 403 && r.StatusCode != 415 || len(r.Cookies()) > 0 {
				t.Errorf("%s: %s: %d %s, %d cookies", name, target, r.StatusCode, answer, len(r.Cookies()))
			}
		}
	}
	if r, answer := s.rest(t, "GET", "/authz/session", consoleCookie(token), ""); r.StatusCode != 200 {
		t.Errorf("the session has ended: %d %s", r.StatusCode, answer)
	}
	if r, answer := s.rest(t, "POST", "/authz/sign-in", ownPage+asJSON, `{"code":"`+code+`"}`); r.StatusCode != 200 {
		t.Errorf("the code was used: %d %s", r.StatusCode, answer)
	}
	for _, target := range []string{"/authz/sign-in", "/authz/sign-out"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			r, _ := browser{t, s.HTTPAddr, ""}.send(method+" "+target+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+consoleCookie(token)+ownPage+asJSON, "")
			if r.StatusCode != 405 || r.Header.Get("Allow") != http.MethodPost || len(r.Cookies()) > 0 {
				t.Errorf("%s %s: %d, allowed is %q", method, target, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
}

// state returns everything that calls could have changed.
func (s *service) state(t testing.TB) string {
	t.Helper()
	ctx := t.Context()
	keys, err := s.keys.ListKeys(ctx, &authzv1.ListKeysRequest{States: []authzv1.KeyState{authzv1.KeyState_KEY_STATE_LIVE, authzv1.KeyState_KEY_STATE_REVOKED, authzv1.KeyState_KEY_STATE_EXPIRED}})
	if err != nil {
		t.Fatal(err)
	}
	projects, err := s.catalog.ListProjects(ctx, &authzv1.ListProjectsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.audit.ListEvents(ctx, &authzv1.ListEventsRequest{PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(keys, projects, len(events.GetEvents()))
}
