// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAllocations holds what a decision on what is in memory allocates: nothing, whichever way a project is reached, and by the
// doors the text of the question and the answer: of one request both in one piece, of one among many each.
func TestAllocations(t *testing.T) {
	// Not parallel: what others allocate would count.
	store := openStore(t)
	s := start(t, servertest.Options{Store: store})
	ctx := t.Context()
	for _, p := range []*authzv1.Project{{Id: "mine", Slug: "mine", OwnerId: "ada"}, {Id: "free", Slug: "free"}} {
		_, err := s.catalog.PutProject(ctx, &authzv1.PutProjectRequest{Project: p})
		wantCode(t, err, 0)
		_, err = s.catalog.PutService(ctx, &authzv1.PutServiceRequest{Service: &authzv1.Service{Id: "s-" + p.GetId(), ProjectId: p.GetId()}})
		wantCode(t, err, 0)
		_, err = s.catalog.PutDeployment(ctx, &authzv1.PutDeploymentRequest{Deployment: &authzv1.Deployment{Id: "d-" + p.GetId(), ServiceId: "s-" + p.GetId()}})
		wantCode(t, err, 0)
	}
	digest := sha256.Sum256([]byte("a session's token"))
	_, err := s.sessions.PutSession(ctx, &authzv1.PutSessionRequest{Session: &authzv1.Session{TokenSha256: digest[:], UserId: "ada",
		Role: authzv1.UserRole_USER_ROLE_OWNER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}})
	wantCode(t, err, 0)
	key := func(user string, selected ...string) string {
		in := newKey()
		in.UserId = user
		if len(selected) > 0 {
			in.Projects = &authzv1.ProjectScope{ProjectIds: selected}
		}
		created, err := s.keys.CreateKey(ctx, in)
		wantCode(t, err, 0)
		return created.GetSecret()
	}
	all, adas, selected := key(""), key("ada"), key("", "mine")

	registry := prometheus.NewRegistry()
	observer := metrics.New(metrics.Config{Registry: registry, Errors: server.ErrorReasons(), Changes: server.Changes(), Outcomes: server.Outcomes()})
	uses := authz.NewUseRecorder(store, nil)
	authorizer := &authz.Authorizer{Routes: resolver.Default(), Facts: store, Used: uses.Used}
	one, ofMany := server.Door(authorizer, observer)
	check := server.CheckDoor(authorizer, observer)

	for _, c := range []struct{ name, path, key string }{
		{"public", "/", ""},
		{"project", "/api/projects/mine/services", all},
		{"project, selected", "/api/projects/mine/services", selected},
		{"service", "/api/services/s-mine/overview", all},
		{"service, a user's", "/api/services/s-mine/overview", adas},
		{"deployment", "/api/deployments/d-mine/logs", all},
		{"slug", "/api/projects/mine", all},
		{"slug, a user's", "/api/projects/mine", adas},
		{"session", "/api/services/s-free/overview", "session"},
	} {
		in := &authzv1.AuthorizeRequest{Method: "GET", Path: c.path}
		headers := authz.CredentialHeaders{Authorization: []string{"Bearer " + c.key}}
		switch c.key {
		case "":
			headers = authz.CredentialHeaders{}
		case "session":
			headers = authz.CredentialHeaders{Cookie: []string{"a=b; aeroplane_session=a session's token"}}
		}
		in.Credential = &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{Authorization: headers.Authorization, Cookie: headers.Cookie}}
		asked, askedOfMany := wire(t, in), wire(t, &authzv1.AuthorizeStreamRequest{Id: 7, Request: in})
		checked := wire(t, &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
			Http: &authv3.AttributeContext_HttpRequest{Method: in.GetMethod(), Path: in.GetPath(), HeaderMap: headerMap(headers)}}}})
		if answer, err := check(checked); err != nil || !bytes.Contains(answer.Materialize(), []byte("aeroplane-caller")) {
			t.Errorf("%s: ext_authz: %q, %v", c.name, answer.Materialize(), err)
		}
		answer, err := one(asked)
		if got := new(authzv1.AuthorizeResponse); err != nil || proto.Unmarshal(answer.Materialize(), got) != nil || !got.GetAllowed() {
			t.Errorf("%s: %v, %v", c.name, got, err)
			continue
		}
		decide := func() {
			d, err := authorizer.Authorize(ctx, authz.Request{Method: in.GetMethod(), Target: in.GetPath(), Credential: headers.Credential()})
			if err != nil || !d.Allowed {
				t.Errorf("%s: %v, %v", c.name, d, err)
			}
		}
		const door, single = 2, 1
		for what, test := range map[string]struct {
			do   func()
			most float64
		}{
			"the decision":         {decide, 0},
			"one request's answer": {func() { _, _ = one(asked) }, single},
			"one answer of many":   {func() { _, _ = ofMany(askedOfMany) }, door},
			"ext_authz's answer":   {func() { _, _ = check(checked) }, door},
		} {
			if n := testing.AllocsPerRun(200, test.do); n > test.most {
				t.Errorf("%s: %s makes %v allocations, want %v at most", c.name, what, n, test.most)
			}
		}
	}
}

// headerMap is the headers as Envoy sends them, among others.
func headerMap(h authz.CredentialHeaders) *corev3.HeaderMap {
	m := &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: ":authority", RawValue: []byte("h")}, {Key: "user-agent", RawValue: []byte("u")}}}
	for name, values := range map[string][]string{"authorization": h.Authorization, "cookie": h.Cookie} {
		for _, v := range values {
			m.Headers = append(m.Headers, &corev3.HeaderValue{Key: name, RawValue: []byte(v)})
		}
	}
	return m
}

// wire is the wire form of a message, as gRPC gives it to the codec.
func wire(t *testing.T, m proto.Message) mem.BufferSlice {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return mem.BufferSlice{mem.SliceBuffer(raw)}
}
