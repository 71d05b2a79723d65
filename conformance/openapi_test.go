// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"aeroplane.run/authz/internal/apikey"
)

// A documented call is one that the API's document describes.
type documentedCall struct {
	operation string
	target    string // below what the document says that all is below
	body      string
	status    int
	malformed bool // whoever knows the document knows already that it is wrong
}

// documented are calls that follow each other. {key} is the id of the key that was made, {session} the hash of a session.
var documented = []documentedCall{
	{"CatalogService_PutProject", "/v1/projects/p1", `{"slug":"one","name":"One","ownerId":"ada"}`, 200, false},
	{"CatalogService_PutProject", "/v1/projects/p1", `{"slug":1}`, 400, true},
	{"CatalogService_PutProject", "/v1/projects/p9", `{"slug":"one","ownerId":"ada"}`, 409, false},
	{"CatalogService_BatchPutProjects", "/v1/projects:batchPut", `{"projects":[{"id":"p2","slug":"two"},{"id":"p3","slug":"three"}]}`, 200, false},
	{"CatalogService_BatchPutProjects", "/v1/projects:batchPut", `{"projects":{}}`, 400, true},
	{"CatalogService_ListProjects", "/v1/projects?pageSize=1&ownerId=", "", 200, false},
	{"CatalogService_ListProjects", "/v1/projects?pageSize=many", "", 400, true},
	{"CatalogService_PutService", "/v1/services/s1", `{"projectId":"p1"}`, 200, false},
	{"CatalogService_PutService", "/v1/services/s1", `{"projectId":["p1"]}`, 400, true},
	{"CatalogService_BatchPutServices", "/v1/services:batchPut", `{"services":[{"id":"s2","projectId":"p1"}]}`, 200, false},
	{"CatalogService_BatchPutServices", "/v1/services:batchPut", `{"services":[{"id":"a b"}]}`, 400, false},
	{"CatalogService_ListServices", "/v1/services?projectId=p1", "", 200, false},
	{"CatalogService_ListServices", "/v1/services?pageToken=x", "", 400, false},
	{"CatalogService_PutDeployment", "/v1/deployments/d1", `{"serviceId":"s1"}`, 200, false},
	{"CatalogService_PutDeployment", "/v1/deployments/d1", `{"serviceId":null,"none":1}`, 400, true},
	{"CatalogService_BatchPutDeployments", "/v1/deployments:batchPut", `{"deployments":[{"id":"d2","serviceId":"s2"}]}`, 200, false},
	{"CatalogService_BatchPutDeployments", "/v1/deployments:batchPut", `{"deployments":"d"}`, 400, true},
	{"CatalogService_ListDeployments", "/v1/deployments?serviceId=s1&pageSize=5", "", 200, false},
	{"CatalogService_ListDeployments", "/v1/deployments?serviceId=a%20b", "", 400, false},
	{"SessionService_PutSession", "/v1/sessions", `{"session":{"tokenSha256":"{session}","userId":"ada","role":"USER_ROLE_OWNER","expireTime":"2100-01-01T00:00:00Z"}}`, 200, false},
	{"SessionService_PutSession", "/v1/sessions", `{"session":{"tokenSha256":"{session}","role":"BOSS"}}`, 400, true},
	{"KeyService_CreateKey", "/v1/keys", `{"name":"ci","userId":"ada","accessLevel":"ACCESS_LEVEL_READ","projects":{"projectIds":["p1"]},"expiresIn":"3600s","requestId":"r","wait":true}`, 200, false},
	{"KeyService_CreateKey", "/v1/keys", `{"name":"ci","accessLevel":"ACCESS_LEVEL_WRITE","projects":{"all":true},"neverExpires":true}`, 200, false},
	{"KeyService_CreateKey", "/v1/keys", `{"name":"","accessLevel":"ACCESS_LEVEL_READ"}`, 400, false},
	{"KeyService_CreateKey", "/v1/keys", `{"name":"ci","accessLevel":"ADMIN"}`, 400, true},
	{"KeyService_CreateKey", "/v1/keys", `{"name":"ci","neverExpires":"true"}`, 400, true},
	{"KeyService_GetKey", "/v1/keys/{key}", "", 200, false},
	{"KeyService_GetKey", "/v1/keys/none", "", 404, false},
	{"KeyService_ListKeys", "/v1/keys?userId=ada&projectId=p1&states=KEY_STATE_LIVE&states=KEY_STATE_REVOKED", "", 200, false},
	{"KeyService_ListKeys", "/v1/keys?states=DEAD", "", 400, true},
	{"AuthorizationService_Authorize", "/v1/authorize", `{"method":"GET","path":"/api/projects","apiKey":"x"}`, 200, false},
	{"AuthorizationService_Authorize", "/v1/authorize", `{"method":"GET","path":"/api/projects","headers":{"cookie":["aeroplane_session=the-token"]},"consistency":"CONSISTENCY_STRONG"}`, 200, false},
	{"AuthorizationService_Authorize", "/v1/authorize", `{"method":"GET","path":"/api/health"}`, 200, false},
	{"AuthorizationService_Authorize", "/v1/authorize", `{"apiKey":"x","sessionToken":"y"}`, 400, true},
	{"AuthorizationService_BatchAuthorize", "/v1/authorize:batch", `{"requests":[{"method":"GET","path":"/api/projects"},{"path":"/","atLeastRevision":"x"}]}`, 200, false},
	{"AuthorizationService_BatchAuthorize", "/v1/authorize:batch", `{"requests":[]}`, 400, true},
	{"ExplanationService_ExplainAuthorize", "/v1/authorize:explain", `{"method":"POST","path":"/api/projects/p1/services","keyId":"{key}"}`, 200, false},
	{"ExplanationService_ExplainAuthorize", "/v1/authorize:explain", `{"method":"GET","path":"/api/projects","sessionSha256":"{session}"}`, 200, false},
	{"ExplanationService_ExplainAuthorize", "/v1/authorize:explain", `{"method":"GET","path":"/api/projects","keyId":"none"}`, 404, false},
	{"ExplanationService_ExplainAuthorize", "/v1/authorize:explain", `{"keyId":7}`, 400, true},
	{"KeyService_RevokeKey", "/v1/keys/{key}:revoke", `{}`, 200, false},
	{"KeyService_RevokeKey", "/v1/keys/none:revoke", `{}`, 404, false},
	{"KeyService_RevokeKeysOfUser", "/v1/keys:revokeOfUser", `{"userId":"ada"}`, 200, false},
	{"KeyService_RevokeKeysOfUser", "/v1/keys:revokeOfUser", `{}`, 400, true},
	{"SessionService_RevokeSession", "/v1/sessions:revoke", `{"tokenSha256":"{session}"}`, 200, false},
	{"SessionService_RevokeSession", "/v1/sessions:revoke", `{"tokenSha256":1}`, 400, true},
	{"SessionService_RevokeSessionsOfUser", "/v1/sessions:revokeOfUser", `{"userId":"ada"}`, 200, false},
	{"SessionService_RevokeSessionsOfUser", "/v1/sessions:revokeOfUser", `[]`, 400, true},
	{"CatalogService_DeleteDeployment", "/v1/deployments/d1", "", 200, false},
	{"CatalogService_DeleteDeployment", "/v1/deployments/a%20b", "", 400, false},
	{"CatalogService_BatchDeleteDeployments", "/v1/deployments:batchDelete", `{"ids":["d2","none"]}`, 200, false},
	{"CatalogService_BatchDeleteDeployments", "/v1/deployments:batchDelete", `{"ids":"d2"}`, 400, true},
	{"CatalogService_DeleteService", "/v1/services/s1", "", 200, false},
	{"CatalogService_DeleteService", "/v1/services/s1?force=true", "", 400, false},
	{"CatalogService_BatchDeleteServices", "/v1/services:batchDelete", `{"ids":["s2"]}`, 200, false},
	{"CatalogService_BatchDeleteServices", "/v1/services:batchDelete", `{"ids":[2]}`, 400, true},
	{"CatalogService_DeleteProject", "/v1/projects/p1", "", 200, false},
	{"CatalogService_DeleteProject", "/v1/projects/%C3%A4", "", 400, false},
	{"CatalogService_BatchDeleteProjects", "/v1/projects:batchDelete", `{"ids":["p2"]}`, 200, false},
	{"CatalogService_BatchDeleteProjects", "/v1/projects:batchDelete", `{"ids":[]}`, 400, true},
	{"CatalogService_ReportSync", "/v1/sync:report", `{"trouble":"it is not there"}`, 200, false},
	{"CatalogService_ReportSync", "/v1/sync:report", `{"trouble":true}`, 400, true},
	{"CatalogService_GetSyncState", "/v1/sync", "", 200, false},
	{"CatalogService_GetSyncState", "/v1/sync?x=1", "", 400, false},
	{"AuditService_ListEvents", "/v1/events?pageSize=500&startTime=2020-01-01T00:00:00Z", "", 200, false},
	{"AuditService_ListEvents", "/v1/events?startTime=yesterday", "", 400, true},
	{"ConsoleService_CreateConsoleLink", "/v1/console:link", `{}`, 200, false},
	{"ConsoleService_CreateConsoleLink", "/v1/console:link", `{"for":"ada"}`, 400, false},
}

// A document is the API's own, as the service gives it out.
type document struct {
	Servers []struct{ URL string }
	Paths   map[string]map[string]struct {
		OperationID string
		Security    []map[string][]string
	}
	Components struct {
		SecuritySchemes map[string]struct{ In, Name string }
	}
}

// The document says what the service does: each operation is called, well and badly, and what is sent and answered is held against it.
func TestOpenAPI(t *testing.T) { onEveryStore(t, testOpenAPI) }

func testOpenAPI(t *testing.T, f *fixture) {
	text := f.document(t)
	parsed, err := libopenapi.NewDocument(strict(t, text))
	if err != nil {
		t.Fatal(err)
	}
	model, err := parsed.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	against, errs := validator.NewValidator(parsed, config.WithFormatAssertions(), config.WithContentAssertions())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := against.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("the document: %s: %s", e.Message, e.Reason)
		}
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	well, badly := map[string]bool{}, map[string]bool{}
	session := sha256.Sum256([]byte("the-token"))
	fill := strings.NewReplacer("{session}", base64.StdEncoding.EncodeToString(session[:]), "{key}", "none-yet")
	for _, c := range documented {
		method, path := doc.at(t, c.operation)
		r := f.restRequest(t, method, doc.Servers[0].URL+fill.Replace(c.target), fill.Replace(c.body))
		if found := pathOf(doc, r.URL.Path); !slices.Contains(found, path) {
			t.Errorf("%s is at %s, and is called at %s", c.operation, path, r.URL.Path)
		}
		// The validator takes keys/{id}:revoke for a key, and so is told where it is.
		item := model.Model.Paths.PathItems.GetOrZero(path)
		switch ok, errs := against.ValidateHttpRequestWithPathItem(r, item, path); {
		case ok && c.malformed:
			t.Errorf("%s %s %s is malformed, and the document does not say so", c.operation, c.target, c.body)
		case !ok && c.status == http.StatusOK:
			for _, e := range errs {
				t.Errorf("%s %s %s: the document says that it is malformed: %s: %s", c.operation, c.target, c.body, e.Message, e.Reason)
			}
		}
		answer, body := f.doREST(t, r)
		if answer.StatusCode != c.status {
			t.Errorf("%s %s %s: %d %.300s, want %d", c.operation, c.target, c.body, answer.StatusCode, apikey.Redact(body), c.status)
		}
		if ok, errs := against.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(r, answer, item, path); !ok {
			for _, e := range errs {
				t.Errorf("%s: %d %.300s is none of the document's: %s: %s", c.operation, answer.StatusCode, apikey.Redact(body), e.Message, e.Reason)
			}
		}
		if c.status == http.StatusOK {
			well[c.operation] = true
		} else {
			badly[c.operation] = true
		}
		var made struct{ Key struct{ ID string } }
		if c.operation == "KeyService_CreateKey" && json.Unmarshal([]byte(body), &made) == nil && made.Key.ID != "" {
			fill = strings.NewReplacer("{session}", base64.StdEncoding.EncodeToString(session[:]), "{key}", made.Key.ID)
		}
	}
	for operation := range doc.operations() {
		if !well[operation] || !badly[operation] {
			t.Errorf("%s was called well: %t, and badly: %t", operation, well[operation], badly[operation])
		}
	}
}

// strict has a document know all members of its objects: for this release nobody may send or answer others, for the next ones it is left open.
func strict(t *testing.T, text []byte) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case map[string]any:
			for name, inner := range v {
				if name != "oneOf" { // of the same object, which has all of them
					walk(inner)
				}
			}
			if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" && v["additionalProperties"] == nil {
				v["additionalProperties"] = false
			}
		}
	}
	walk(doc)
	return must[[]byte](t)(json.Marshal(doc))
}

// pathOf returns the paths of the document that a path may be one of.
func pathOf(doc document, of string) (paths []string) {
	of = strings.TrimPrefix(of, doc.Servers[0].URL)
	for path := range doc.Paths {
		before, after, variable := strings.Cut(path, "{id}")
		if path == of || variable && strings.HasPrefix(of, before) && strings.HasSuffix(of, after) {
			paths = append(paths, path)
		}
	}
	return paths
}

// document fetches the document, which anybody may read.
func (f *fixture) document(t *testing.T) []byte {
	t.Helper()
	answer, err := http.Get("http://" + f.httpAddr + "/authz/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return text
}

// restRequest is a request of an administrator's.
func (f *fixture) restRequest(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+f.httpAddr+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.adminToken)
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// doREST sends a request, and returns the answer, which can be read again.
func (f *fixture) doREST(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, string(body)
}

// at returns where an operation is.
func (d document) at(t *testing.T, operation string) (method, path string) {
	t.Helper()
	place, ok := d.operations()[operation]
	if !ok {
		t.Fatalf("the document has no %s", operation)
	}
	method, path, _ = strings.Cut(place, " ")
	return method, path
}

// operations returns all of them, and where they are.
func (d document) operations() map[string]string {
	places := make(map[string]string)
	for path, item := range d.Paths {
		for method, o := range item {
			places[o.OperationID] = strings.ToUpper(method) + " " + path
		}
	}
	return places
}

// The document's operations are the contract's calls that have one answer.
func TestOpenAPIIsTheContract(t *testing.T) { onEveryStore(t, testOpenAPIIsTheContract) }

func testOpenAPIIsTheContract(t *testing.T, f *fixture) {
	var doc document
	if err := json.Unmarshal(f.document(t), &doc); err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	protoregistry.GlobalFiles.RangeFilesByPackage("aeroplane.authz.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
				if place := placeOf(rule); place != "" {
					want[fmt.Sprint(m.Parent().Name(), "_", m.Name())] = place
				} else if !m.IsStreamingClient() {
					t.Errorf("%s cannot be called in JSON", m.FullName())
				}
			}
		}
		return true
	})
	if diff := cmp.Diff(want, doc.operations()); diff != "" {
		t.Errorf("(-contract +document):\n%s", diff)
	}
	// Those that it says can be called by a cookie can be, by either, and no others.
	for operation, place := range doc.operations() {
		method, path, _ := strings.Cut(place, " ")
		var by []string
		for _, s := range doc.Paths[path][strings.ToLower(method)].Security {
			for scheme := range s {
				by = append(by, scheme)
			}
		}
		slices.Sort(by)
		cookies := slices.Equal(by, []string{"console", "session", "token"})
		if !cookies && by != nil { // none is what holds for all: the token
			t.Errorf("%s can be called by %q", operation, by)
		}
		scheme := doc.Components.SecuritySchemes["session"]
		body := map[bool]string{true: "{}"}[method != http.MethodGet && method != http.MethodDelete]
		r := f.restRequest(t, method, doc.Servers[0].URL+strings.Replace(path, "{id}", "x", 1), body)
		r.Header.Del("Authorization")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Content-Type", "application/json")
		r.AddCookie(&http.Cookie{Name: scheme.Name, Value: f.expand("{session:owner}")})
		if answer, body := f.doREST(t, r); (answer.StatusCode != http.StatusForbidden) != cookies {
			t.Errorf("%s by a session: %d %s", operation, answer.StatusCode, body)
		}
	}
}

// placeOf writes where a rule has a call, with one name for what is variable. Empty: nowhere.
func placeOf(rule *annotations.HttpRule) string {
	place := ""
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		place = "GET " + p.Get
	case *annotations.HttpRule_Post:
		place = "POST " + p.Post
	case *annotations.HttpRule_Put:
		place = "PUT " + p.Put
	case *annotations.HttpRule_Delete:
		place = "DELETE " + p.Delete
	}
	return inBraces.ReplaceAllString(place, "{id}")
}
