// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	"aeroplane.run/authz/server/servertest"
)

// post posts a body of JSON with a token, and returns the status and the answer, compact.
func post(t testing.TB, address, path, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"id-7"}}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": "id-7"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q", body, name, got)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		t.Fatalf("%s: %q", body, raw)
	}
	return answer.StatusCode, compact.String()
}

// asks is an evaluation of a request with a key.
func asks(key, method, target string) string {
	return fmt.Sprintf(`"subject":{"type":"api_key","id":"%s"},"action":{"name":"%s"},"resource":{"type":"http_target","id":"%s"}`, key, method, target)
}

func TestEvaluation(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	created := s.createKey(t)
	key, session := created.GetSecret(), putSession(t, s)
	const list = `"action":{"name":"GET"},"resource":{"type":"http_target","id":"/api/projects"}`
	of := func(subject string) string { return `{"subject":` + subject + `,` + list + `}` }
	granted := `{"decision":true,"context":{"grant":{"key":{"id":"` + created.GetKey().GetId() + `","name":"ci","prefix":"` +
		created.GetKey().GetPrefix() + `"},"access_level":"ACCESS_LEVEL_WRITE","visible_projects":{"all":true}}}}`
	denied := func(reason string, status int, text string) string {
		return fmt.Sprintf(`{"decision":false,"context":{"denial":{"reason":"DENIAL_REASON_%s","http_status":%d,"message":%q}}}`, reason, status, text)
	}
	nobody := denied("AUTHENTICATION_REQUIRED", 401, "Authentication required")
	for _, c := range []struct {
		name, body string
		status     int
		want       string // but for the revision; or the error
	}{
		{"a key", "{" + asks(key, "GET", "/api/projects") + "}", 200, granted},
		{"a key, with what the standard lets others add", "{" + asks(key, "GET", "/api/projects") + `,"context":{"time":"x"},"extra":1}`, 200, granted},
		{"headers", of(`{"type":"http_headers","id":"-","properties":{"authorization":["Bearer ` + key + `"],"cookie":["a=b"]}}`), 200, granted},
		{"two headers", of(`{"type":"http_headers","id":"-","properties":{"x_api_key":["` + key + `","` + key + `"]}}`), 200,
			denied("INVALID_KEY", 401, "Invalid or expired API key")},
		{"a session", of(`{"type":"session","id":"` + session + `"}`), 200, `{"decision":true,"context":{"grant":{"session":{"role":"USER_ROLE_OWNER"},` +
			`"access_level":"ACCESS_LEVEL_WRITE","visible_projects":{"all":true}}}}`},
		{"nobody", of(`{"type":"anonymous","id":"-"}`), 200, nobody},
		{"a wrong key", "{" + asks(key+"x", "GET", "/api/projects") + "}", 200, denied("INVALID_KEY", 401, "Invalid or expired API key")},
		{"another spelling", "{" + asks(key, "GET", "/api//projects") + "}", 200, denied("MALFORMED_PATH", 400, "Malformed request path")},
		{"another method", "{" + asks(key, "get", "/api/projects") + "}", 200, denied("METHOD_NOT_ALLOWED", 405, "Method not allowed")},
		{"not UTF-8", "{" + asks("\xff", "GET", "/api/projects") + "}", 200, denied("INVALID_KEY", 401, "Invalid or expired API key")},
		{"as fresh as can be", "{" + asks(key, "GET", "/api/projects") + `,"context":{"consistency":"strong"}}`, 200, granted},

		{"no subject", `{` + list + `}`, 400, "subject: must be set"},
		{"no id", of(`{"type":"api_key"}`), 400, "subject.id: must be set"},
		{"another subject", of(`{"type":"user","id":"ada"}`), 400, "subject.type: must be api_key, session, http_headers or anonymous"},
		{"no action", `{"subject":{"type":"anonymous","id":"-"},"resource":{"type":"http_target","id":"/"}}`, 400,
			"action.name: must be set, to the request's method"},
		{"no resource", `{"subject":{"type":"anonymous","id":"-"},"action":{"name":"GET"}}`, 400, "resource.id: must be set, to the request's target"},
		{"another resource", `{"subject":{"type":"anonymous","id":"-"},"action":{"name":"GET"},"resource":{"type":"record","id":"/"}}`, 400,
			"resource.type: must be http_target"},
		{"another consistency", "{" + asks(key, "GET", "/api/projects") + `,"context":{"consistency":"weak"}}`, 400,
			"context.consistency: must be strong, or left out"},
		{"not JSON", `{"subject"`, 400, "the request must be a JSON object as AuthZEN has it"},
		{"no object", `[]`, 400, "the request must be a JSON object as AuthZEN has it"},
		{"two objects", "{" + asks(key, "GET", "/api/projects") + "}{}", 400, "the request must be one JSON object, and nothing after it"},
		{"nothing", ``, 400, "the request must be a JSON object as AuthZEN has it"},
		{"too much", "{" + asks(strings.Repeat("k", 4<<20), "GET", "/") + "}", 413, "the request must be at most 4194304 bytes"},
		{"too much of one thing", "{" + asks("k", "GET", "/"+strings.Repeat("a", 66000)) + "}", 400,
			"path: method, path, credential and target_project_id must hold at most 65536 bytes in all, not 66005"},
	} {
		want := c.want
		if c.status != 200 {
			want = `{"error":"` + c.want + `"}`
		}
		status, got := post(t, s.HTTPAddr, "/access/v1/evaluation", s.GatewayToken, c.body)
		if got = withoutRevision(t, got); status != c.status || got != want {
			t.Errorf("%s: %d\n%s\nwant %d\n%s", c.name, status, got, c.status, want)
		}
		if c.status == 200 { // without evaluations, the other page says the same
			if _, other := post(t, s.HTTPAddr, "/access/v1/evaluations", s.GatewayToken, c.body); withoutRevision(t, other) != got {
				t.Errorf("%s: %s", c.name, other)
			}
		}
	}
}

// withoutRevision takes the revision out of an answer, which another test may move.
func withoutRevision(t testing.TB, answer string) string {
	t.Helper()
	before, rest, found := strings.Cut(answer, `,"revision":"`)
	if !found {
		return answer
	}
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

func TestEvaluations(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	key := s.createKey(t).GetSecret()
	const bad = `{"resource":{"type":"record","id":"1"}}`
	at := func(target string) string { return `{"resource":{"type":"http_target","id":"` + target + `"}}` }
	for _, c := range []struct {
		name, options, evaluations string
		want                       string // a decision each: y, n, or e for an error
	}{
		{"all", ``, at("/") + "," + at("/x//y") + "," + at("/api/projects"), "yny"},
		{"all, as the standard calls it", `"evaluations_semantic":"execute_all"`, at("/x//y") + "," + at("/"), "ny"},
		{"until one is denied", `"evaluations_semantic":"deny_on_first_deny"`, at("/") + "," + at("/x//y") + "," + at("/"), "yn"},
		{"until one may pass", `"evaluations_semantic":"permit_on_first_permit"`, at("/x//y") + "," + at("/") + "," + at("/"), "ny"},
		{"one that is wrong", ``, at("/") + "," + bad + "," + at("/"), "yey"},
		{"one that is wrong is a denial", `"evaluations_semantic":"deny_on_first_deny"`, bad + "," + at("/"), "e"},
		{"with a method and a subject of its own", ``, `{"action":{"name":"DELETE"},"subject":{"type":"anonymous","id":"-"}},` + at("/"), "ny"},
		{"many", ``, strings.Repeat(at("/")+",", 999) + at("/x//y"), strings.Repeat("y", 999) + "n"},
	} {
		body := "{" + asks(key, "GET", "/api/projects") + `,"options":{` + c.options + `},"evaluations":[` + c.evaluations + `]}`
		status, answer := post(t, s.HTTPAddr, "/access/v1/evaluations", s.GatewayToken, body)
		var out struct {
			Evaluations []struct {
				Decision bool
				Context  struct{ Error *struct{ Status int } }
			}
		}
		if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 {
			t.Fatalf("%s: %d %s: %v", c.name, status, answer, err)
		}
		got := ""
		for _, e := range out.Evaluations {
			switch {
			case e.Context.Error != nil && !e.Decision && e.Context.Error.Status == 400:
				got += "e"
			case e.Decision:
				got += "y"
			default:
				got += "n"
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s: %.1000s", c.name, got, c.want, answer)
		}
	}
	for body, want := range map[string]string{
		`{"evaluations":[{}],"options":{"evaluations_semantic":"some"}}`: "options.evaluations_semantic: must be execute_all, deny_on_first_deny or permit_on_first_permit",
		`{"evaluations":[` + strings.Repeat("{},", 1000) + `{}]}`:        "evaluations: must be at most 1000, not 1001",
	} {
		if status, got := post(t, s.HTTPAddr, "/access/v1/evaluations", s.GatewayToken, body); status != 400 || got != `{"error":"`+want+`"}` {
			t.Errorf("%.100s: %d %s", body, status, got)
		}
	}
}

// Who asks shows a token, and a decision that cannot be had is an error.
func TestEvaluationErrors(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: openStore(t)}
	store.lookup = func(_ context.Context, q authz.Query) (authz.Facts, error) {
		if q.ID == "boom" {
			panic("oh no")
		}
		return authz.Facts{}, authz.Errorf(authz.Unavailable, "x").Because(errors.New("y"))
	}
	s := start(t, servertest.Options{Store: store})
	key := s.createKey(t).GetSecret()
	for _, target := range []string{"/api/projects/boom/services", "/api/projects"} {
		status, got := post(t, s.HTTPAddr, "/access/v1/evaluation", s.GatewayToken, "{"+asks(key, "GET", target)+"}")
		if status != 503 || got != `{"error":"Authorization is not available"}` {
			t.Errorf("%s: %d %s", target, status, got)
		}
		_, got = post(t, s.HTTPAddr, "/access/v1/evaluations", s.GatewayToken, `{"evaluations":[{`+asks(key, "GET", target)+`}]}`)
		if !strings.HasPrefix(got, `{"evaluations":[{"decision":false,"context":{"error":{"message":`) || !strings.Contains(got, `"status":503`) {
			t.Errorf("%s: %s", target, got)
		}
	}
	const usual = "POST /access/v1/evaluation HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n"
	bearer := "Authorization: Bearer " + s.GatewayToken + "\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		text          string
	}{
		{"no token", usual, 401, "a bearer token is needed in the header Authorization"},
		{"a wrong token", usual + "Authorization: Bearer " + key + "\r\n", 401, "the bearer token is not known"},
		{"a token for another door", usual + "Aeroplane-Gateway-Token: " + s.GatewayToken + "\r\n", 401,
			"a bearer token is needed in the header Authorization"},
		{"two tokens", usual + bearer + bearer, 401, "the header Authorization must be one bearer token"},
		{"another method", "GET /access/v1/evaluation HTTP/1.1\r\n" + bearer, 405, "This page is for POST"},
		{"a form", strings.Replace(usual, "application/json", "application/x-www-form-urlencoded", 1) + bearer, 400, "Content-Type: must be application/json"},
		{"no type", strings.Replace(usual, "Content-Type", "X-Type", 1) + bearer, 400, "Content-Type: must be application/json"},
	} {
		r, body := raw(t, s.HTTPAddr, c.request)
		if r.StatusCode != c.status || body != `{"error":"`+c.text+`"}` {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.StatusCode, body, c.status, c.text)
		}
		if got := r.Header.Get("WWW-Authenticate"); (got == "Bearer") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate: %q", c.name, got)
		}
	}
}

// What is published of the service says where it is, and not what a stranger calls it.
func TestAuthZENMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{BaseURL: "https://authz.example.test"})
	r, body := raw(t, s.HTTPAddr, "GET /.well-known/authzen-configuration HTTP/1.1\r\nX-Forwarded-Host: evil.test\r\n")
	got := map[string]string{}
	if err := json.Unmarshal([]byte(body), &got); err != nil || r.StatusCode != 200 {
		t.Fatalf("%d %s: %v", r.StatusCode, body, err)
	}
	if diff := cmp.Diff(map[string]string{
		"policy_decision_point":       "https://authz.example.test",
		"access_evaluation_endpoint":  "https://authz.example.test/access/v1/evaluation",
		"access_evaluations_endpoint": "https://authz.example.test/access/v1/evaluations",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r, _ := raw(t, s.HTTPAddr, "POST /.well-known/authzen-configuration HTTP/1.1\r\nContent-Length: 0\r\n"); r.StatusCode != 405 || r.Header.Get("Allow") == "" {
		t.Errorf("POST: %d", r.StatusCode)
	}
	without := start(t, servertest.Options{})
	if r, _ := raw(t, without.HTTPAddr, "GET /.well-known/authzen-configuration HTTP/1.1\r\n"); r.StatusCode != 404 {
		t.Errorf("without a URL: %d", r.StatusCode)
	}
}
