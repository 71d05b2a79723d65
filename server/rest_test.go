// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/openapi"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// What a page's own requests have, and requests with a body.
const (
	ownPage = "Sec-Fetch-Site: same-origin\r\n"
	asJSON  = "Content-Type: application/json\r\n"
)

// A restCall is a call of the contract that has one answer, and how it is made in JSON.
type restCall struct {
	rpc          protoreflect.MethodDescriptor
	method, path string // the path as the contract has it
	body         string // the field that the body is, * for the whole message, or empty for none
}

// name is such as KeyService/GetKey.
func (c restCall) name() string { return string(c.rpc.Parent().Name()) + "/" + string(c.rpc.Name()) }

// fullName is what gRPC calls it.
func (c restCall) fullName() string {
	return "/" + string(c.rpc.Parent().FullName()) + "/" + string(c.rpc.Name())
}

var pathVariable = regexp.MustCompile(`\{[^}]+\}`)

// target is the path with an id in it.
func (c restCall) target(id string) string {
	return "/authz" + pathVariable.ReplaceAllString(c.path, id)
}

// writes reports whether the call is made by a method that browsers send other sites' forms by.
func (c restCall) writes() bool { return c.method != http.MethodGet }

// contract returns all of its services' methods: those with one answer, and the names of the streams.
func contract(t testing.TB) (calls []restCall, streams []string) {
	t.Helper()
	protoregistry.GlobalFiles.RangeFilesByPackage("aeroplane.authz.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			of := f.Services().Get(i).Methods()
			for j := range of.Len() {
				c := restCall{rpc: of.Get(j)}
				rule, _ := proto.GetExtension(c.rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
				c.body = rule.GetBody()
				switch p := rule.GetPattern().(type) {
				case *annotations.HttpRule_Get:
					c.method, c.path = http.MethodGet, p.Get
				case *annotations.HttpRule_Post:
					c.method, c.path = http.MethodPost, p.Post
				case *annotations.HttpRule_Put:
					c.method, c.path = http.MethodPut, p.Put
				case *annotations.HttpRule_Delete:
					c.method, c.path = http.MethodDelete, p.Delete
				}
				if stream := c.rpc.IsStreamingClient() || c.rpc.IsStreamingServer(); stream != (c.method == "") {
					t.Errorf("%s: a stream: %t; its method in JSON: %q", c.name(), stream, c.method)
				}
				if c.method == "" {
					streams = append(streams, c.name())
					continue
				}
				calls = append(calls, c)
			}
		}
		return true
	})
	slices.SortFunc(calls, func(a, b restCall) int { return strings.Compare(a.name(), b.name()) })
	return calls, streams
}

// rest sends a request in JSON, and returns what was answered. What holds for every answer it checks.
func (s *service) rest(t testing.TB, method, target, headers, body string) (*http.Response, string) {
	t.Helper()
	r, answer := browser{t, s.HTTPAddr, ""}.send(method+" "+target+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+headers, body)
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Resource-Policy": "same-origin"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s %s: %s is %q", method, target, name, got)
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Grpc-") {
			t.Errorf("%s %s: the header %s", method, target, name)
		}
	}
	if got := r.Header.Get("WWW-Authenticate"); (got == "Bearer") != (r.StatusCode == 401) {
		t.Errorf("%s %s: %d with WWW-Authenticate: %q", method, target, r.StatusCode, got)
	}
	return r, answer
}

// byAdmin makes a call with the administrator's token.
func (s *service) byAdmin(t testing.TB, method, target, body string) (int, string) {
	t.Helper()
	r, answer := s.rest(t, method, target, s.bearer()+asJSON, body)
	return r.StatusCode, answer
}

func (s *service) bearer() string { return "Authorization: Bearer " + s.AdminToken + "\r\n" }

// bySession makes a call as a page does.
func (s *service) bySession(t testing.TB, b browser, method, target, body string) (int, string) {
	t.Helper()
	r, answer := s.rest(t, method, target, sessionCookie(b.session)+ownPage+asJSON, body)
	return r.StatusCode, answer
}

func sessionCookie(token string) string { return "Cookie: aeroplane_session=" + token + "\r\n" }

func consoleCookie(token string) string { return "Cookie: aeroplane_authz_console=" + token + "\r\n" }

// A refusal is the answer to a call that was not made.
type refusal struct {
	Code    int
	Message string
	Details []struct {
		Reason          string
		FieldViolations []struct{ Field, Description string }
	}
}

// refused reads one.
func refused(t testing.TB, answer string) (r refusal) {
	t.Helper()
	if err := json.Unmarshal([]byte(answer), &r); err != nil || r.Message == "" {
		t.Errorf("%v: %s", err, answer)
	}
	return r
}

// fields returns the fields that it says are at fault.
func (r refusal) fields() (fields []string) {
	for _, d := range r.Details {
		for _, v := range d.FieldViolations {
			fields = append(fields, v.Field)
		}
	}
	return fields
}

// link returns the code of a link to the page.
func (s *service) link(t testing.TB) (code string) {
	t.Helper()
	out, err := authzv1.NewConsoleServiceClient(s.Admin).CreateConsoleLink(t.Context(), &authzv1.CreateConsoleLinkRequest{})
	if err != nil {
		t.Fatal(err)
	}
	at, code, ok := strings.Cut(out.GetUrl(), "/authz/#code=")
	if !ok || at != "http://"+s.HTTPAddr || len(code) < 26 {
		t.Fatal("the link has another form")
	}
	return code
}

// openConsole opens a console session, and returns its token.
func (s *service) openConsole(t testing.TB) (token string) {
	t.Helper()
	r, answer := s.rest(t, "POST", "/authz/sign-in", ownPage+asJSON, `{"code":"`+s.link(t)+`"}`)
	cookies := r.Cookies()
	if r.StatusCode != 200 || len(cookies) != 1 || cookies[0].Name != "aeroplane_authz_console" || cookies[0].Value == "" {
		t.Fatalf("%d %s", r.StatusCode, answer)
	}
	return cookies[0].Value
}

// Every call with one answer can be made in JSON, at a path of its own.
func TestRESTIsTheContract(t *testing.T) {
	t.Parallel()
	calls, streams := contract(t)
	slices.Sort(streams)
	if diff := cmp.Diff([]string{"AuthorizationService/AuthorizeStream", "CatalogService/SyncCatalog"}, streams); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	s := start(t, servertest.Options{})
	registered := s.Server.Registered()
	ours := 0
	for method := range registered {
		if strings.HasPrefix(method, "/aeroplane.authz.") {
			ours++
		}
	}
	if want := len(calls) + len(streams); ours != want {
		t.Errorf("%d methods are registered, and the contract has %d", ours, want)
	}
	at := make(map[string]string)
	for _, c := range calls {
		if streams, ok := registered[c.fullName()]; !ok || streams {
			t.Errorf("%s: registered: %t, as a stream: %t", c.name(), ok, streams)
		}
		place := c.method + " " + pathVariable.ReplaceAllString(c.path, "{}")
		if at[place] != "" {
			t.Errorf("%s and %s are both at %s", at[place], c.name(), place)
		}
		at[place] = c.name()
		if (c.body == "") != (c.method == http.MethodGet || c.method == http.MethodDelete) { // as queryOf relies on
			t.Errorf("%s: %s with the body %q", c.name(), c.method, c.body)
		}
	}
}

// The document tells of the calls by a cookie that they can be made so, and of no others.
func TestDocumentTellsOfCookies(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
		}
	}
	if err := json.Unmarshal(openapi.Document, &document); err != nil {
		t.Fatal(err)
	}
	var byCookie []string
	for _, item := range document.Paths {
		for _, o := range item {
			if o.Security == nil { // what holds for all is the token
				continue
			}
			if diff := cmp.Diff([]map[string][]string{{"token": {}}, {"session": {}}, {"console": {}}}, o.Security); diff != "" {
				t.Errorf("%s (-want +got):\n%s", o.OperationID, diff)
			}
			byCookie = append(byCookie, "/aeroplane.authz.v1."+strings.Replace(o.OperationID, "_", "/", 1))
		}
	}
	slices.Sort(byCookie)
	if diff := cmp.Diff(server.PageCalls(), byCookie); diff != "" {
		t.Errorf("by cookie (-pageCalls +document):\n%s", diff)
	}
}
