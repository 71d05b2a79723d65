// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/server/servertest"
)

// told is what a proxy is told: to refuse with a status and a body, or to let pass with headers for the upstream, by their names
// in lower case.
type told struct {
	Status   int
	Body     string
	Identity map[string]string
}

// owed is what an answer to a gateway amounts to.
func owed(a *authzv1.AuthorizeResponse) told {
	if !a.GetAllowed() {
		return told{Status: int(a.GetDenial().GetHttpStatus()), Body: `{"error":"` + a.GetDenial().GetMessage() + `"}`}
	}
	g := a.GetGrant()
	words := map[string]string{"caller": "", "user": "", "key": g.GetKey().GetId(), "project": g.GetProjectId()}
	switch {
	case g.GetKey() != nil:
		words["caller"], words["user"] = "key", g.GetKey().GetUserId()
	case g.GetSession() != nil:
		words["caller"], words["user"] = "session", g.GetSession().GetUserId()
	}
	words["access"] = lastWord(g.GetAccessLevel().String())
	words["role"] = lastWord(g.GetSession().GetRole().String())
	if words["projects"] = strings.Join(g.GetVisibleProjects().GetProjectIds(), ","); g.GetVisibleProjects().GetAll() {
		words["projects"] = "*"
	}
	if words["transfer"] = ""; g.GetTransferTargetUnchecked() {
		words["transfer"] = "unchecked"
	}
	o := told{Status: 200, Identity: map[string]string{}}
	for name, value := range words {
		if value == "" || value == "unspecified" {
			value = "-"
		}
		o.Identity["aeroplane-"+name] = value
	}
	return o
}

// lastWord is the word that an enum's value is told in.
func lastWord(value string) string { return strings.ToLower(value[strings.LastIndex(value, "_")+1:]) }

// proxyDoors are those that proxies ask by.
type proxyDoors struct {
	t            *testing.T
	check        authv3.AuthorizationClient
	http         exchange
	middleware   exchange
	gatewayToken string
}

func newProxyDoors(t *testing.T, run *servertest.Running, conn grpc.ClientConnInterface) *proxyDoors {
	t.Helper()
	c := must[net.Conn](t)(net.Dial("tcp", run.HTTPAddr))
	t.Cleanup(func() { _ = c.Close() })
	return &proxyDoors{t: t, check: authv3.NewAuthorizationClient(conn), http: newExchange(c), middleware: newExchange(newMiddleware(t, run)),
		gatewayToken: run.GatewayToken}
}

// agree wants each door to say what the answer says, as far as it can express the question.
func (p *proxyDoors) agree(in *authzv1.AuthorizeRequest, answer *authzv1.AuthorizeResponse) {
	p.t.Helper()
	if in.GetHeaders() == nil && in.GetCredential() != nil {
		return // proxies have headers and nothing else
	}
	want := owed(answer)
	if body := bodyOf(p.t, in); len(body) <= door.MaxTransferBody {
		p.same("ext_authz", in, want, p.extAuthz(in, body, false))
		if joined := p.extAuthz(in, body, true); joined.Status != 401 || !hasComma(in.GetHeaders()) { // which may have been two
			p.same("ext_authz with joined headers", in, want, joined)
		}
	}
	if p.expressible(in) {
		for _, dialect := range []string{"caddy", "traefik", "haproxy", "nginx"} {
			p.same(dialect, in, want, p.forwardAuth(dialect, in))
		}
	}
	p.agreeAuthZEN(in, answer)
	p.agreeMiddleware(in, want)
}

func (p *proxyDoors) same(door string, in *authzv1.AuthorizeRequest, want, got told) {
	p.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("%s does not agree with the call on %v (-call +%s):\n%s", door, in, door, diff)
	}
}

// header is one line, with the name as an HTTP/1.1 client may write it.
type header struct{ name, value string }

func linesOf(h *authzv1.CredentialHeaders) (all []header) {
	for _, c := range []struct {
		name   string
		values []string
	}{{"Authorization", h.GetAuthorization()}, {"X-API-Key", h.GetXApiKey()}, {"Cookie", h.GetCookie()}} {
		for _, v := range c.values {
			all = append(all, header{c.name, v})
		}
	}
	return all
}

func hasComma(h *authzv1.CredentialHeaders) bool {
	for _, line := range linesOf(h) {
		if strings.Contains(line.value, ",") {
			return true
		}
	}
	return len(h.GetAuthorization()) > 1 || len(h.GetXApiKey()) > 1
}

// bodyOf is a body that names the target of a transfer, where there is one.
func bodyOf(t *testing.T, in *authzv1.AuthorizeRequest) string {
	t.Helper()
	if in.TargetProjectId == nil {
		return ""
	}
	return string(must[[]byte](t)(json.Marshal(map[string]string{"projectId": in.GetTargetProjectId()})))
}

// extAuthz asks as Envoy does, with each header as it came, or with those of one name joined.
func (p *proxyDoors) extAuthz(in *authzv1.AuthorizeRequest, body string, joined bool) told {
	p.t.Helper()
	request := &authv3.AttributeContext_HttpRequest{Method: in.GetMethod(), Path: in.GetPath(), Body: body}
	if joined {
		request.Headers = map[string]string{}
		for _, line := range linesOf(in.GetHeaders()) {
			name, sep := strings.ToLower(line.name), ","
			if name == "cookie" {
				sep = "; "
			}
			if before, ok := request.Headers[name]; ok {
				line.value = before + sep + line.value
			}
			request.Headers[name] = line.value
		}
	} else {
		request.HeaderMap = new(corev3.HeaderMap)
		for _, line := range linesOf(in.GetHeaders()) {
			request.HeaderMap.Headers = append(request.HeaderMap.Headers, &corev3.HeaderValue{Key: strings.ToLower(line.name), RawValue: []byte(line.value)})
		}
	}
	out := must[*authv3.CheckResponse](p.t)(p.check.Check(p.t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: request},
	}}))
	if denied := out.GetDeniedResponse(); denied != nil {
		return told{Status: int(denied.GetStatus().GetCode()), Body: denied.GetBody()}
	}
	o := told{Status: 200, Identity: map[string]string{}}
	for _, h := range out.GetOkResponse().GetHeaders() {
		o.Identity[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	return o
}

// expressible reports whether a proxy can ask the question in headers: what HTTP takes off their values it would take off the client's
// request as well, and a body is not seen.
func (p *proxyDoors) expressible(in *authzv1.AuthorizeRequest) bool {
	texts := []string{in.GetMethod(), in.GetPath()}
	for _, line := range linesOf(in.GetHeaders()) {
		if strings.ContainsAny(line.value, "\r\n\x00") {
			return false
		}
	}
	for _, text := range texts {
		if text == "" || strings.Trim(text, " \t") != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return false
		}
	}
	return in.TargetProjectId == nil
}

// forwardAuth asks as a proxy does.
func (p *proxyDoors) forwardAuth(dialect string, in *authzv1.AuthorizeRequest) told {
	p.t.Helper()
	method, uri := "X-Forwarded-Method", "X-Forwarded-Uri"
	if dialect == "nginx" {
		method, uri = "X-Original-Method", "X-Original-URI"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET /forward-auth/%s HTTP/1.1\r\nHost: authz.test\r\n%s: %s\r\n%s: %s\r\n", dialect, method, in.GetMethod(), uri, in.GetPath())
	for _, line := range linesOf(in.GetHeaders()) {
		fmt.Fprintf(&b, "%s: %s\r\n", line.name, line.value)
	}
	b.WriteString("\r\n")
	r, body := p.send(&p.http, "GET", b.String())
	o := told{Status: r.StatusCode, Body: body}
	if dialect == "nginx" && o.Status != 200 {
		if (r.Header.Get("Aeroplane-Status") == "401") != (o.Status == 401) || o.Status != 401 && o.Status != 403 {
			p.t.Errorf("nginx is answered %d for %s", o.Status, r.Header.Get("Aeroplane-Status"))
		}
		_, _ = fmt.Sscan(r.Header.Get("Aeroplane-Status"), &o.Status)
		if again := `{"error":"` + r.Header.Get("Aeroplane-Error") + `"}`; again != body {
			p.t.Errorf("nginx is told %s, and answered %s", again, body)
		}
	}
	if o.Status == 200 {
		return toldBy(r, "")
	}
	return o
}

// toldBy is what an answer tells, with what stands in its identity headers.
func toldBy(r *http.Response, body string) told {
	if r.StatusCode != 200 {
		return told{Status: r.StatusCode, Body: body}
	}
	o := told{Status: 200, Identity: map[string]string{}}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Aeroplane-") {
			o.Identity[strings.ToLower(name)] = strings.Join(values, "|")
		}
	}
	return o
}

// An exchange is a connection on which requests are sent as they are written.
type exchange struct {
	conn    net.Conn
	answers *bufio.Reader
}

func newExchange(conn net.Conn) exchange { return exchange{conn, bufio.NewReader(conn)} }

// send sends a request, and returns the answer and its body.
func (p *proxyDoors) send(x *exchange, method, request string) (*http.Response, string) {
	p.t.Helper()
	must[int](p.t)(io.WriteString(x.conn, request))
	r := must[*http.Response](p.t)(http.ReadResponse(x.answers, &http.Request{Method: method}))
	defer r.Body.Close()
	return r, string(must[[]byte](p.t)(io.ReadAll(r.Body)))
}

// agreeAuthZEN asks for an evaluation, whose context is the answer itself.
func (p *proxyDoors) agreeAuthZEN(in *authzv1.AuthorizeRequest, answer *authzv1.AuthorizeResponse) {
	p.t.Helper()
	h := in.GetHeaders()
	question := must[[]byte](p.t)(json.Marshal(map[string]any{
		"subject": map[string]any{"type": "http_headers", "id": "-", "properties": map[string]any{
			"authorization": h.GetAuthorization(), "x_api_key": h.GetXApiKey(), "cookie": h.GetCookie()}},
		"action":   map[string]any{"name": in.GetMethod()},
		"resource": map[string]any{"type": "http_target", "id": in.GetPath()},
		"context":  map[string]any{"target_project_id": in.TargetProjectId},
	}))
	r, body := p.send(&p.http, "POST", fmt.Sprintf("POST /access/v1/evaluation HTTP/1.1\r\nHost: authz.test\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", p.gatewayToken, len(question), question))
	var verdict struct {
		Decision bool
		Context  json.RawMessage
	}
	got := new(authzv1.AuthorizeResponse)
	if err := json.Unmarshal([]byte(body), &verdict); err != nil || r.StatusCode != 200 {
		p.t.Fatalf("AuthZEN: %d %s: %v", r.StatusCode, body, err)
	}
	if err := protojson.Unmarshal(verdict.Context, got); err != nil {
		p.t.Fatalf("AuthZEN: %s: %v", body, err)
	}
	got.Allowed = verdict.Decision
	if diff := cmp.Diff(answer, got, protocmp.Transform(), protocmp.IgnoreFields(answer, "revision")); diff != "" {
		p.t.Errorf("AuthZEN does not agree with the call on %v (-call +AuthZEN):\n%s", in, diff)
	}
}
