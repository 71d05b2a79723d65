// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

// What a body says is either understood to its end, or refused.
func TestRESTBodies(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	with := func(more string) string {
		return `{"name":"k","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true},"neverExpires":true` + more + `}`
	}
	for _, c := range []struct {
		body   string
		status int
		field  string // at fault, where it is known
	}{
		{with(""), 200, ""}, {with(`,"wait":false`), 200, ""}, {" " + with("") + "\n", 200, ""},
		{`{"name":"k","access_level":1,"projects":{"all":true},"never_expires":true}`, 200, ""},

		{with(`,"nam":"k"`), 400, "nam"}, {with(`,"Wait":true`), 400, "Wait"}, {with(`,"":1`), 400, ""}, {with(`,"@type":"x"`), 400, "@type"},
		{`{"name":"k","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true,"none":1},"neverExpires":true}`, 400, "projects.none"},
		{with(`,"name":"l"`), 400, "name"}, {with(`,"access_level":1`), 400, "accessLevel"}, {with(`,"expiresIn":"60s"`), 400, "expiresIn"},
		{with("") + "{}", 400, ""}, {with("") + "x", 400, ""}, {with("")[:20], 400, ""}, {with(",,"), 400, ""}, {"\uFEFF" + with(""), 400, ""},
		{"[]", 400, ""}, {"null", 400, ""}, {`"k"`, 400, ""}, {"1", 400, ""}, {"[" + with("") + "]", 400, ""}, {"{'name':1}", 400, ""},
		{"", 400, "name"}, {"{}", 400, "name"}, {`{"name":null}`, 400, "name"}, {"{}", 400, "accessLevel"}, {"{}", 400, "projects"},
		{`{"name":1}`, 400, "name"}, {`{"name":["k"]}`, 400, "name"}, {`{"name":"\ud800"}`, 400, "name"}, {"{\"name\":\"\xff\"}", 400, "name"}, {`{"name":"a\u0000b"}`, 400, "name"},
		{`{"accessLevel":"READ"}`, 400, "accessLevel"}, {`{"accessLevel":true}`, 400, "accessLevel"}, {`{"accessLevel":99}`, 400, "accessLevel"}, {`{"accessLevel":0}`, 400, "accessLevel"},
		{`{"projects":[]}`, 400, "projects"}, {`{"projects":{"all":1}}`, 400, "projects.all"}, {`{"projects":{"projectIds":"p"}}`, 400, "projects.projectIds"}, {`{"projects":{"projectIds":["p",null]}}`, 400, "projects.projectIds[1]"},
		{`{"projects":{"all":true,"projectIds":["p"]}}`, 400, "projects"}, {`{"projects":{"projectIds":["a b"]}}`, 400, "projects.projectIds[0]"},
		{`{"neverExpires":"true"}`, 400, "neverExpires"}, {`{"expiresIn":60}`, 400, "expiresIn"}, {`{"expiresIn":"1m"}`, 400, "expiresIn"}, {`{"expiresIn":"1e300s"}`, 400, "expiresIn"},
		{strings.Repeat(`{"projects":`, 20_000) + "1" + strings.Repeat("}", 20_000), 400, ""}, {strings.Repeat("[", 2_000_000), 400, ""},
		{strings.Repeat(`{"projects":`, 5_000) + "1" + strings.Repeat("}", 5_000), 400, "projects.projects"}, {`{"` + strings.Repeat("n", 1<<20) + `":1}`, 400, strings.Repeat("n", 100) + "..."},
		{`{"projects":{"projectIds":[` + strings.Repeat("1,", 1<<20) + `1]}}`, 400, "projects.projectIds[15]"},
		{`{"projects":{"projectIds":[` + strings.Repeat(`"p",`, 1000) + `1,` + strings.Repeat(`"p",`, 1000) + `1]}}`, 400, "projects.projectIds[1000]"},
		{`{"projects":{"projectIds":[` + strings.Repeat(`"p",`, 1000) + `1,` + strings.Repeat(`"p",`, 1000) + `1]}}`, 400, "projects.projectIds[2001]"},
		{with(`,"requestId":"` + strings.Repeat("a", 200) + `"`), 400, "requestId"}, {with(`,"userId":"a b"`), 400, "userId"},
		{with("") + strings.Repeat(" ", 4<<20-len(with(""))), 200, ""}, {with("") + strings.Repeat(" ", 4<<20-len(with(""))+1), 413, ""},
	} {
		status, answer := s.byAdmin(t, "POST", "/authz/v1/keys", c.body)
		if status != c.status {
			t.Errorf("%.80s: %d, want %d: %.300s", c.body, status, c.status, apikey.Redact(answer))
		}
		if status != 200 {
			s.wantFault(t, c.body, answer, c.field)
		}
	}
	if keys, err := s.keys.ListKeys(t.Context(), &authzv1.ListKeysRequest{}); err != nil || len(keys.GetKeys()) != 5 {
		t.Errorf("%d keys, %v", len(keys.GetKeys()), err)
	}
}

// What is at fault is said together with what is accepted there.
func TestRESTFaults(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range []struct{ method, target, body, message string }{
		{"POST", "/v1/keys", `{"expiresIn":"30d"}`, `expiresIn: must be seconds, with an s behind, such as "2592000s"`},
		{"POST", "/v1/keys", `{"expiresIn":3600}`, `expiresIn: must be seconds, with an s behind, such as "2592000s"`},
		{"POST", "/v1/keys", `{"accessLevel":"write"}`, `accessLevel: must be ACCESS_LEVEL_READ or ACCESS_LEVEL_WRITE`},
		{"POST", "/v1/keys", `{"projects":["p-web"]}`, `projects: must be an object {"all": ..., "projectIds": [...]}`},
		{"POST", "/v1/keys", `{"projects":{"projectIds":"p"}}`, `projects.projectIds: must be a list, in square brackets`},
		{"POST", "/v1/keys", `{"projects":{"ids":["p"]}}`, `projects.ids: is not a field here: there are all, projectIds`},
		{"POST", "/v1/keys", `{"name":1}`, `name: must be a text in UTF-8, such as "text"`},
		{"POST", "/v1/keys", `{"wait":1}`, `wait: must be true or false`},
		{"POST", "/v1/keys", `{"neverExpires":true,"expiresIn":"60s"}`, `expiresIn: must not be said beside neverExpires`},
		{"POST", "/v1/keys", `{"name":"a","name":"b"}`, `name: must be said once`},
		{"POST", "/v1/keys", `["p"]`, `the body must be an object {"name": ..., "userId": ..., "accessLevel": ..., "projects": ..., "expiresIn": ..., "neverExpires": ..., "requestId": ..., "wait": ...}`},
		{"POST", "/v1/keys", "{\n  \"name\": \"k\",\n}", `the body must be one JSON value: at line 3, column 1 there cannot be '}'`},
		{"POST", "/v1/keys", `{"name":"ä",}`, `the body must be one JSON value: at line 1, column 13 there cannot be '}'`},
		{"POST", "/v1/keys", `{"name":"k"} {}`, `the body must be one JSON value: at line 1, column 14 there cannot be '{'`},
		{"POST", "/v1/keys", `{"name":"k"`, `the body must be one JSON value, and breaks off before its end`},
		{"POST", "/v1/sessions", `{"session":{"tokenSha256":"?","expireTime":"soon"}}`, `session.tokenSha256: must be bytes in base64, such as "Ynl0ZXM="`},
		{"POST", "/v1/projects:batchPut", `{"projects":[{"id":"p"},{"id":1}]}`, `projects[1].id: must be a text in UTF-8, such as "text"`},
		{"PUT", "/v1/projects/p", `{"slug":1}`, `slug: must be a text in UTF-8, such as "text"`},
		{"GET", "/v1/keys?states=live", "", `states: must be KEY_STATE_LIVE, KEY_STATE_EXPIRED or KEY_STATE_REVOKED`},
		{"GET", "/v1/keys?pageSize=abc", "", `pageSize: must be a whole number, and at most 2147483647`},
		{"GET", "/v1/keys?pageSize=1&page_size=2", "", `pageSize: must be said once`},
		{"GET", "/v1/keys?userId=a&userId=b", "", `userId: must be said once`},
		{"GET", "/v1/keys?pageSize=abc&user=ada", "", `pageSize: must be a whole number, and at most 2147483647`},
		{"GET", "/v1/events?startTime=yesterday", "", `startTime: must be a time, such as 2026-01-02T03:04:05Z`},
		{"GET", "/v1/keys?a;b", "", `the query cannot be read: parameters are parted by &, and % begins two hexadecimal digits`},
	} {
		status, answer := s.byAdmin(t, c.method, "/authz"+c.target, c.body)
		if got := refused(t, answer); status != 400 || got.Message != c.message {
			t.Errorf("%s %s %s: %d %s\nwant %s", c.method, c.target, c.body, status, got.Message, c.message)
		}
	}
}

// Every field of every body is named where it is at fault, whatever it is.
func TestRESTFaultsOfEachField(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	calls, _ := contract(t)
	for _, c := range calls {
		of := c.rpc.Input()
		if field := of.Fields().ByTextName(c.body); field != nil {
			of = field.Message()
		}
		for i := 0; c.body != "" && i < of.Fields().Len(); i++ {
			name := of.Fields().Get(i).JSONName()
			_, answer := s.byAdmin(t, c.method, c.target("x"), `{"`+name+`":[[]]}`)
			r := refused(t, answer)
			if len(r.fields()) != 1 || r.fields()[0] != name && r.fields()[0] != name+"[0]" || !strings.Contains(r.Message, ": must be ") {
				t.Errorf("%s of %s: %s", name, c.name(), answer)
			}
		}
	}
}

// wantFault checks that a refusal says what is at fault, in the names that JSON has.
func (s *service) wantFault(t testing.TB, what, answer, field string) {
	t.Helper()
	r := refused(t, answer)
	if field != "" && !slices.Contains(r.fields(), field) {
		t.Errorf("%.80s: at fault are %q, want %s", what, r.fields(), field)
	}
	if strings.Contains(r.Message, "proto:") {
		t.Errorf("%.80s: the message is one for programmers of the service: %s", what, r.Message)
	}
	for _, f := range r.fields() {
		if strings.Contains(f, "_") {
			t.Errorf("%.80s: at fault is %s", what, f)
		}
	}
	if fields := r.fields(); len(fields) > 0 && !strings.HasPrefix(r.Message, fields[0]+": ") {
		t.Errorf("%.80s: the message does not begin with %s: %s", what, fields[0], r.Message)
	}
}

// An administrator's token, too, sends JSON, and says so.
func TestRESTMediaTypes(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	good := fmt.Sprintf(restKey, "k", "")
	for _, c := range []struct {
		headers, body string
		status        int
	}{
		{asJSON, good, 200}, {"Content-Type: Application/JSON; charset=UTF-8\r\n", good, 200}, {asJSON, "", 400},
		{"", good, 415}, {"Content-Type: text/plain\r\n", good, 415}, {"Content-Type: application/x-www-form-urlencoded\r\n", "name=k", 415},
		{"Content-Type: application/json; charset=utf-16\r\n", good, 415}, {asJSON + asJSON, good, 415}, {asJSON + "Content-Encoding: gzip\r\n", good, 415},
		{"Content-Type: application/grpc\r\n", good, 415}, {"Accept: application/x-protobuf\r\n" + asJSON, good, 200}, {"Content-Type: text/event-stream\r\n", good, 415},
	} {
		if r, answer := s.rest(t, "POST", "/authz/v1/keys", s.bearer()+c.headers, c.body); r.StatusCode != c.status {
			t.Errorf("%q with %q: %d %s", c.body, c.headers, r.StatusCode, apikey.Redact(answer))
		}
	}
}

// A query that is not understood to its end would show more than was asked for.
func TestRESTQueries(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.createKey(t)
	for target, want := range map[string]int{
		"/v1/keys?": 200, "/v1/keys?pageSize=1&userId=": 200, "/v1/keys?page_size=1&states=KEY_STATE_LIVE&states=3": 200, "/v1/keys?userId=%61da": 200, "/v1/keys?&&": 200,
		"/v1/events?startTime=2026-01-02T03:04:05Z&action=key.create": 200,

		"/v1/keys?user=ada": 400, "/v1/keys?UserId=ada": 400, "/v1/keys?userid=ada": 400, "/v1/keys?userId.x=ada": 400, "/v1/keys?userId[]=ada": 400, "/v1/keys?user_Id=ada": 400,
		"/v1/keys?pageSize=x": 400, "/v1/keys?pageSize=1.5": 400, "/v1/keys?pageSize=99999999999": 400, "/v1/keys?pageSize=-1": 400, "/v1/keys?pageSize=": 400,
		"/v1/keys?pageSize=1&pageSize=2": 400, "/v1/keys?pageSize=1&page_size=2": 400, "/v1/keys?projectId=p&project_id=q": 400,
		"/v1/keys?states=LIVE": 400, "/v1/keys?states=99": 400, "/v1/keys?states[0]=1": 400, "/v1/keys?states=KEY_STATE_LIVE,KEY_STATE_REVOKED": 400,
		"/v1/keys?userId=ada;pageSize=1": 400, "/v1/keys?userId=%zz": 400, "/v1/keys?userId=%ff": 400, "/v1/keys?=ada": 400, "/v1/keys?ada": 400, "/v1/keys?userId=a%00b": 400,
		"/v1/events?startTime=yesterday": 400, "/v1/events?startTime.seconds=x": 400, "/v1/events?startTime=null": 400,
		"/v1/keys/x?id=y": 400, "/v1/keys/x?x": 400, "/v1/sync?x=1": 400,
	} {
		status, answer := s.byAdmin(t, "GET", "/authz"+target, "")
		if status != want {
			t.Errorf("%s: %d, want %d: %s", target, status, want, answer)
		}
		if status != 200 {
			s.wantFault(t, target, answer, "")
		}
	}
	// Of several slips it is always the same that is named.
	for range 20 {
		_, answer := s.byAdmin(t, "GET", "/authz/v1/keys?zeta=1&beta=1&alpha=1&gamma=1", "")
		if diff := cmp.Diff([]string{"alpha"}, refused(t, answer).fields()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	// A call with a body has all in it.
	if status, answer := s.byAdmin(t, "POST", "/authz/v1/keys?wait=true", fmt.Sprintf(restKey, "k", "")); status != 400 {
		t.Errorf("a field in the query: %d %s", status, apikey.Redact(answer))
	}
	calls, _ := contract(t)
	for _, c := range calls {
		for _, query := range []string{"?x=1", "?id=x", "?user_id=ada", "?%zz", "?a;b"} {
			body := ""
			if c.body != "" {
				body = "{}"
			}
			if field := c.rpc.Input().Fields().ByName("user_id"); field != nil && c.body == "" && query == "?user_id=ada" {
				continue
			}
			if status, answer := s.byAdmin(t, c.method, c.target("x")+query, body); status != 400 {
				t.Errorf("%s %s%s: %d %s", c.method, c.path, query, status, answer)
			}
		}
	}
}

// What is not so is said as well as what is so: nobody has to know what is left out.
func TestRESTSaysNo(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	if _, answer := s.byAdmin(t, "POST", "/authz/v1/authorize", `{"method":"GET","path":"/api/projects"}`); !strings.HasPrefix(answer, `{"allowed":false,`) {
		t.Error(answer)
	}
	if _, answer := s.byAdmin(t, "GET", "/authz/v1/keys", ""); !strings.HasPrefix(strings.ReplaceAll(answer, " ", ""), `{"keys":[],"nextPageToken":""}`) {
		t.Error(answer)
	}
}

// The id of what is put is in the path. A body that says another is not what was meant.
func TestRESTIDInPath(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range []struct {
		target, body string
		status       int
	}{
		{"/v1/projects/p1", `{"slug":"s"}`, 200}, {"/v1/projects/p1", `{"id":"p1","slug":"s"}`, 200}, {"/v1/projects/p1", `{"id":"p2","slug":"t"}`, 400},
		{"/v1/projects/p1", `{"project":{"id":"p1","slug":"s"}}`, 400}, {"/v1/projects/p1", "", 400}, {"/v1/projects/p1", "null", 400},
		{"/v1/services/s1", `{"projectId":"p1"}`, 200}, {"/v1/services/s1", `{"id":"s2","projectId":"p1"}`, 400},
		{"/v1/deployments/d1", `{"serviceId":"s1"}`, 200}, {"/v1/deployments/d1", `{"id":"d2","serviceId":"s1"}`, 400},
	} {
		if status, answer := s.byAdmin(t, "PUT", "/authz"+c.target, c.body); status != c.status {
			t.Errorf("PUT %s %s: %d, want %d: %s", c.target, c.body, status, c.status, answer)
		}
	}
	list, err := s.catalog.ListProjects(t.Context(), &authzv1.ListProjectsRequest{})
	if err != nil || len(list.GetProjects()) != 1 || list.GetProjects()[0].GetSlug() != "s" {
		t.Errorf("%v, %v", list, err)
	}
}

// A path has one spelling; a call has one method.
func TestRESTPaths(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	id := s.createKey(t).GetKey().GetId()
	for line, want := range map[string]int{
		"GET /authz/v1/keys": 200, "GET /authz/v1/keys/" + id: 200, "GET /authz/openapi.json": 200, "GET /authz/session": 200,

		"GET /authz/v1/keys/": 400, "GET /authz//v1/keys": 400, "GET /authz/v1//keys": 400, "GET /authz/./v1/keys": 400, "GET /authz/v1/x/../keys": 400,
		"GET /authz/v1/../session": 400, "GET /authz/v1/%6beys": 400, "GET /authz/v1%2fkeys": 400, "GET /authz%2fv1/keys": 400, "GET /%61uthz/v1/keys": 400,
		"GET /authz/v1/%2e%2e/session": 400, "GET /authz/v1/keys%2f" + id: 400, "GET /authz/v1/keys/a%2Fb": 400, "GET /authz/v1/keys/%20": 400, "GET /authz/v1/keys/a%25b": 400,
		"GET /authz/v1/keys/%00": 400, "GET /authz/v1/keys/%ff": 400, "GET /authz/v1/keys/%C3%A4": 400, "GET /authz/v1/keys/a%3Fb": 400, "GET /authz/v1/keys/" + id + "%0a": 400,
		"GET /authz/openapi.json/": 400, "GET /authz/x/../openapi.json": 400, "GET /authz/session/.": 400, "GET /authz/open%61pi.json": 400,

		"GET /AUTHZ/v1/keys": 404, "GET /authz/V1/keys": 404, "GET /authz/v1/Keys": 404, "GET /authz/v1": 404, "GET /authz/v2/keys": 404, "GET /authz/v1/none": 404,
		"GET //authz/v1/keys": 404, "GET /authzv1/keys": 404, "GET /v1/keys": 404, "GET /authz.v1/keys": 404, "GET /authz/v1/keys/a/b": 404,
		"GET /authz/Session": 404, "POST /authz/sign-in/x": 404, "GET /aeroplane.authz.v1.KeyService/ListKeys": 404,
		"POST /authz/v1/aeroplane.authz.v1.KeyService/ListKeys": 404, "POST /authz/v1/keys:Revoke": 404, "POST /authz/v1/keys/" + id + ":Revoke": 404,

		"HEAD /authz/v1/keys": 405, "OPTIONS /authz/v1/keys": 405, "PUT /authz/v1/keys": 405, "PATCH /authz/v1/keys": 405, "DELETE /authz/v1/keys": 405,
		"PROPFIND /authz/v1/keys": 405, "get /authz/v1/keys": 405, "POST /authz/v1/keys/" + id: 405, "GET /authz/v1/keys/" + id + ":revoke": 405, "GET /authz/v1/projects:batchPut": 405, "DELETE /authz/v1/keys/" + id: 405, "CONNECT /authz/v1/keys": 405,
		"POST /authz/openapi.json": 405, "HEAD /authz/session": 405, "POST /authz/live": 405, "GET /authz/sign-in": 405,
	} {
		method, target, _ := strings.Cut(line, " ")
		r, answer := browser{t, s.HTTPAddr, ""}.send(line+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+s.bearer(), "")
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d: %.200s", line, r.StatusCode, want, answer)
		}
		if want == http.StatusMethodNotAllowed && (r.Header.Get("Allow") == "" || strings.Contains(r.Header.Get("Allow"), method)) {
			t.Errorf("%s: allowed is %q", line, r.Header.Get("Allow"))
		}
		reason := map[int]string{404: "NO_SUCH_CALL", 405: "METHOD_NOT_ALLOWED"}[want]
		if strings.HasPrefix(target, "/authz/v1/") && method != "HEAD" && reason != "" && !strings.Contains(answer, `"reason":"`+reason) {
			t.Errorf("%s: no reason %s: %s", line, reason, answer)
		}
		if method == "HEAD" && answer != "" {
			t.Errorf("%s: %q", line, answer)
		}
		if target == "/authz/v1/keys" && r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", line)
		}
	}
}

// Who means another call is told which there are.
func TestRESTNamesCalls(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for line, want := range map[string]string{
		"DELETE /authz/v1/keys/x":      "This call is made with another method: there are GET /v1/keys/{id}, POST /v1/keys/{id}:revoke",
		"GET /authz/v1/keys/x:revoke":  "This call is made with another method: there are GET /v1/keys/{id}, POST /v1/keys/{id}:revoke",
		"POST /authz/v1/keys/x:delete": "There is no such call, but there are GET /v1/keys/{id}, POST /v1/keys/{id}:revoke",
		"PUT /authz/v1/sync":           "This call is made with another method: there are GET /v1/sync, POST /v1/sync:report",
		"GET /authz/v1/none":           "There is no such call: openapi.json lists those that there are",
	} {
		method, target, _ := strings.Cut(line, " ")
		if _, answer := s.byAdmin(t, method, target, ""); refused(t, answer).Message != want {
			t.Errorf("%s: %s, want %s", line, answer, want)
		}
	}
}

// A key, wherever it was put by mistake, comes back from nowhere, and is not logged.
func TestRESTKeepsKeysToItself(t *testing.T) {
	t.Parallel()
	var log servertest.Logbook
	s := start(t, servertest.Options{Log: log.Logger()})
	key := s.createKey(t).GetSecret()
	ada := sessionCookie(s.browseAsUser(t, "ada").session)
	console := consoleCookie(s.openConsole(t))
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/v1/keys", `{"accessLevel":"KEY"}`}, {"POST", "/v1/keys", `{"KEY":1}`}, {"POST", "/v1/keys", `{"name":KEY}`}, {"POST", "/v1/keys", `KEY`}, {"POST", "/v1/keys", `"KEY"`},
		{"POST", "/v1/keys", `{"projects":{"projectIds":["KEY"]},"name":"k","accessLevel":1,"neverExpires":true}`}, {"POST", "/v1/keys", `{"projects":{"KEY":[]}}`},
		{"POST", "/v1/keys", `{"expiresIn":"KEY"}`}, {"POST", "/v1/keys", `{"neverExpires":"KEY"}`}, {"POST", "/v1/keys", `{"userId":"KEY KEY"}`}, {"POST", "/v1/keys", `{"requestId":"KEY\u0000"}`},
		{"GET", "/v1/keys/KEY", ""}, {"POST", "/v1/keys/KEY:revoke", "{}"}, {"POST", "/v1/keys/x:revoke", `{"id":"KEY"}`}, {"DELETE", "/v1/keys/KEY", ""}, {"POST", "/v1/KEY", "{}"},
		{"GET", "/v1/keys?KEY=1", ""}, {"GET", "/v1/keys?states=KEY", ""}, {"GET", "/v1/keys?pageSize=KEY", ""}, {"GET", "/v1/keys?pageToken=KEY", ""}, {"GET", "/v1/keys?userId=%zzKEY", ""},
		{"GET", "/v1/keys?projectId=KEY", ""}, {"GET", "/v1/events?startTime=KEY", ""}, {"GET", "/v1/events?subjectId=KEY", ""}, {"GET", "/v1/events?action=KEY", ""}, {"POST", "/v1/keys?KEY", "{}"},
		{"PUT", "/v1/services/KEY", `{"id":"KEY"}`}, {"PUT", "/v1/projects/KEY", `{"id":"KEY","slug":"KEY KEY"}`}, {"POST", "/v1/sessions", `{"session":{"tokenSha256":"KEY"}}`},
		{"POST", "/v1/sessions", `{"session":{"expireTime":"KEY"}}`}, {"POST", "/v1/sessions", `{"session":{"role":"KEY"}}`}, {"POST", "/v1/projects:batchPut", `{"projects":[{"id":"KEY KEY"}]}`},
		{"POST", "/sign-in", `{"code":"KEY"}`}, {"POST", "/sign-in", `{"KEY":1}`}, {"POST", "/sign-in", `KEY`}, {"GET", "/KEY", ""}, {"GET", "/v1/../KEY", ""}, {"GET", "/v1/%zzKEY", ""},
	} {
		fill := strings.NewReplacer("KEY", key)
		for _, headers := range []string{s.bearer(), ada, console, "", "Authorization: Bearer " + key + "\r\n", "X-API-Key: " + key + "x\r\n", sessionCookie(key), consoleCookie(key)} {
			line := c.method + " /authz" + fill.Replace(c.target) + " HTTP/1.1\r\nHost: aeroplane.test\r\n"
			_, answer := browser{t, s.HTTPAddr, ""}.send(line+headers+asJSON+ownPage, fill.Replace(c.body))
			if strings.Contains(answer, key[20:60]) {
				t.Errorf("%s %s %s with %.12q: %s", c.method, c.target, c.body, headers, strings.ReplaceAll(answer, key, "KEY"))
			}
		}
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, key[20:60]) {
			t.Errorf("logged: %s", strings.ReplaceAll(line, key, "KEY"))
		}
	}
}
