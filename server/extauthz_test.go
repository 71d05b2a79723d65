// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/server/servertest"
)

// checked asks as Envoy does, with headers as pairs.
func checked(t testing.TB, conn *grpc.ClientConn, method, path, body string, headers ...string) *authv3.CheckResponse {
	t.Helper()
	lines := new(corev3.HeaderMap)
	for pair := range slices.Chunk(headers, 2) {
		lines.Headers = append(lines.Headers, &corev3.HeaderValue{Key: pair[0], RawValue: []byte(pair[1])})
	}
	answer, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: method, Path: path, HeaderMap: lines, Body: body,
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// wantDenied wants a whole refusal.
func wantDenied(t testing.TB, name string, answer *authv3.CheckResponse, status int32, text string) {
	t.Helper()
	denied := answer.GetDeniedResponse()
	if denied == nil || int32(denied.GetStatus().GetCode()) != status || denied.GetBody() != `{"error":"`+text+`"}` || answer.GetStatus().GetCode() == 0 {
		t.Errorf("%s: %v, want %d %s", name, answer, status, text)
		return
	}
	headers := map[string]string{}
	for _, h := range denied.GetHeaders() {
		headers[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	authenticate := ""
	if status == 401 {
		authenticate = "Bearer"
	}
	if headers["content-type"] != "application/json" || headers["cache-control"] != "no-store" || headers["www-authenticate"] != authenticate {
		t.Errorf("%s: headers %v", name, headers)
	}
}

func TestExtAuthz(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	key := s.createKey(t)
	bearer := []string{"authorization", "Bearer " + key.GetSecret()}
	allowed := checked(t, s.Gateway, "GET", "/api/projects?q", "", append(bearer, "aeroplane-user", "forged", "x-request-id", "1")...)
	ok := allowed.GetOkResponse()
	if ok == nil || allowed.GetStatus().GetCode() != 0 {
		t.Fatalf("%v", allowed)
	}
	var got []string
	for i, h := range ok.GetHeaders() {
		got = append(got, h.GetHeader().GetValue())
		if h.GetHeader().GetKey() != strings.ToLower(door.Names[i]) {
			t.Errorf("header %d is %s", i, h.GetHeader().GetKey())
		}
	}
	if want := "key " + key.GetKey().GetId() + " - - write - * -"; strings.Join(got, " ") != want {
		t.Errorf("identity %q, want %s", got, want)
	}
	if !slices.Equal(ok.GetHeadersToRemove(), door.LookAlikes) {
		t.Errorf("to be removed: %q", ok.GetHeadersToRemove())
	}

	for _, c := range []struct {
		name, method, path string
		headers            []string
		status             int32
		text               string
	}{
		{"nobody", "GET", "/api/projects", nil, 401, "Authentication required"},
		{"two keys", "GET", "/api/projects", append(bearer, bearer...), 401, "Invalid or expired API key"},
		{"a browser's", "GET", "/api/system/settings", bearer, 403, "This endpoint requires a browser session"},
		{"no method", "", "/api/projects", bearer, 405, "Method not allowed"},
		{"no path", "GET", "", bearer, 400, "Malformed request path"},
		{"another spelling", "GET", "/api/./projects", bearer, 400, "Malformed request path"},
		{"too long", "GET", "/" + strings.Repeat("a", 66000), nil, 400,
			"path: method, path, credential and target_project_id must hold at most 65536 bytes in all, not 66004"},
	} {
		wantDenied(t, c.name, checked(t, s.Gateway, c.method, c.path, "", c.headers...), c.status, c.text)
	}
	nothing, err := authv3.NewAuthorizationClient(s.Gateway).Check(t.Context(), new(authv3.CheckRequest))
	if err != nil {
		t.Fatal(err)
	}
	wantDenied(t, "no request", nothing, 400, "attributes.request.http: must be set: HTTP requests are decided on, and nothing else")
}

// The project that a service is transferred to is in the body, for a gateway that sends it.
func TestExtAuthzReadsTheTarget(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	selected := transferWorld(t, s)
	for _, c := range []struct {
		name, body string
		ok         bool
	}{
		{"to a project that is selected", `{"projectId":"there"}`, true},
		{"to another", `{"projectId":"elsewhere"}`, false},
		{"to two", `{"projectId":"there","targetProjectId":"there"}`, false},
		{"unseen", ``, false},
	} {
		answer := checked(t, s.Gateway, "POST", "/api/services/s/transfer", c.body, "x-api-key", selected)
		if c.ok == (answer.GetOkResponse() == nil) {
			t.Errorf("%s: %v", c.name, answer)
		}
	}
	for name, headers := range map[string][]string{
		"a part of a body": {"x-envoy-auth-partial-body", "true"}, "a form": {"content-type", "application/x-www-form-urlencoded"},
		"a body that is packed": {"content-encoding", "gzip"}, "a form, under another name": {"content_type", "application/x-www-form-urlencoded"}, "two types": {"content-type", "application/json", "content-type", "text/plain"},
	} {
		answer := checked(t, s.Gateway, "POST", "/api/services/s/transfer", `{"projectId":"there"}`, append(headers, "x-api-key", selected)...)
		wantDenied(t, name, answer, 403, "This API key cannot access that project")
	}
	whole := []string{"x-api-key", selected, "content-type", "application/json; charset=UTF-8", "x-envoy-auth-partial-body", "false"}
	if answer := checked(t, s.Gateway, "POST", "/api/services/s/transfer", `{"projectId":"there"}`, whole...); answer.GetOkResponse() == nil {
		t.Errorf("a body that is whole: %v", answer)
	}
	all := s.createKey(t).GetSecret()
	for body, want := range map[string]string{`{"projectId":"there"}`: "-", ``: "unchecked", `{"projectId":"th`: "unchecked"} {
		answer := checked(t, s.Gateway, "POST", "/api/services/s/transfer", body, "x-api-key", all)
		if got := identity(answer)["aeroplane-transfer"]; got != want {
			t.Errorf("%q: %q, want %q: %v", body, got, want, answer)
		}
	}
}

// identity returns the headers that an allowed request gets.
func identity(answer *authv3.CheckResponse) map[string]string {
	headers := map[string]string{}
	for _, h := range answer.GetOkResponse().GetHeaders() {
		headers[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	return headers
}

// What may mislead an upstream goes, under the name that it came with.
func TestExtAuthzRemovesWhatMisleads(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	misleading := []string{"x~api~key", "X_API_Key", "aeroplane+user", "x-http-method-override", "X_Original_Url", "x-forwarded-uri"}
	headers := []string{"x-api-key", s.createKey(t).GetSecret(), "x-trace", "1", "x-forwarded-for", "1"}
	for _, name := range misleading {
		headers = append(headers, name, "forged")
	}
	answer := checked(t, s.Gateway, "GET", "/api/projects", "", headers...)
	if got := answer.GetOkResponse().GetHeadersToRemove(); !slices.Equal(got, append(slices.Clone(door.LookAlikes), misleading...)) {
		t.Errorf("%q are removed: %v", got, answer)
	}
}

// The credential goes if that is wanted, and nothing else of the cookies.
func TestExtAuthzRemovesTheCredential(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{RemoveCredential: true})
	token := putSession(t, s)
	key := s.createKey(t).GetSecret()
	for _, c := range []struct {
		name    string
		path    string
		headers []string
		removed []string // beside what always is
		cookie  string
	}{
		{"a key", "/api/projects", []string{"x-api-key", key, "cookie", "a=b"}, []string{"authorization", "x-api-key"}, ""},
		{"a session", "/api/projects", []string{"cookie", "aeroplane_session=" + token}, []string{"cookie"}, ""},
		{"a session among cookies", "/api/projects", []string{"cookie", "a=b; aeroplane_session=" + token + ";c", "cookie", "d=e; "}, nil, "a=b; c; d=e"},
		{"nobody's", "/", []string{"x-api-key", key, "cookie", "aeroplane_session=" + token}, nil, ""},
	} {
		answer := checked(t, s.Gateway, "GET", c.path, "", c.headers...)
		if got := answer.GetOkResponse().GetHeadersToRemove(); !slices.Equal(got, append(slices.Clone(door.LookAlikes), c.removed...)) {
			t.Errorf("%s: %q are removed: %v", c.name, got, answer)
		}
		if got := identity(answer)["cookie"]; got != c.cookie {
			t.Errorf("%s: the cookies become %q, want %q", c.name, got, c.cookie)
		}
	}
}

// A gateway that lets requests pass on errors gets none, whatever is wrong.
func TestExtAuthzAnswersRefusals(t *testing.T) {
	t.Parallel()
	const unavailable = "Authorization is not available"
	store := &faulty{Store: openStore(t)}
	store.lookup = func(_ context.Context, q authz.Query) (authz.Facts, error) {
		switch q.ID {
		case "boom":
			panic("oh no")
		case "lease":
			return authz.Facts{}, &authz.Error{Kind: authz.Unavailable, Code: authz.CodeLease, Message: "no lease"}
		}
		return authz.Facts{}, errors.New("something")
	}
	var log servertest.Logbook
	s := start(t, servertest.Options{Store: store, Log: log.Logger()})
	key := s.createKey(t).GetSecret()
	for _, id := range []string{"boom", "lease", "other"} {
		wantDenied(t, id, checked(t, s.Gateway, "GET", "/api/projects/"+id+"/services", "", "x-api-key", key), 503, unavailable)
	}
	if !strings.Contains(log.String(), "oh no") || strings.Contains(log.String(), key) {
		t.Error("the log does not tell of the panic, or tells of the key")
	}

	for name, conn := range map[string]*grpc.ClientConn{"no token": s.Dial(t, ""), "a wrong token": s.Dial(t, s.GatewayToken+"x")} {
		wantDenied(t, name, checked(t, conn, "GET", "/", ""), 503, "The gateway is not known to the authorization service")
	}

	in, answer := new(emptypb.Empty), new(authv3.CheckResponse)
	in.ProtoReflect().SetUnknown([]byte{0xff, 0xff}) // which is sent as it is
	if err := s.Gateway.Invoke(t.Context(), authv3.Authorization_Check_FullMethodName, in, answer); err != nil {
		t.Fatal(err)
	}
	wantDenied(t, "garbage", answer, 400, "the gateway's question cannot be read")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := authv3.NewAuthorizationClient(s.Gateway).Check(ctx, new(authv3.CheckRequest)); status.Code(err) != codes.Canceled {
		t.Errorf("a call that its caller gave up: %v", err)
	}
}

// No message of a stranger is awaited: here none is ever sent.
func TestExtAuthzReadsNothingOfStrangers(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	stream, err := s.Dial(t, "").NewStream(t.Context(), &grpc.StreamDesc{StreamName: "Check", ClientStreams: true, ServerStreams: true},
		authv3.Authorization_Check_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	answer := new(authv3.CheckResponse)
	if err := stream.RecvMsg(answer); err != nil {
		t.Fatal(err)
	}
	wantDenied(t, "a stranger", answer, 503, "The gateway is not known to the authorization service")
}
