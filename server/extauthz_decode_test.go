// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
)

// checkOf is a CheckRequest as gateways send it, about a request.
func checkOf(http *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
	peer := &authv3.AttributeContext_Peer{Principal: "spiffe://example.test/gateway", Labels: map[string]string{"a": "b"},
		Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{Address: "127.0.0.1",
			PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 8080}}}}}
	metadata := &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{"x": {Fields: map[string]*structpb.Value{
		"y": structpb.NewNumberValue(3)}}}}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: peer, Destination: peer, MetadataContext: metadata, RouteMetadataContext: metadata,
		ContextExtensions: map[string]string{"k": "v"}, TlsSession: &authv3.AttributeContext_TLSSession{Sni: "s"},
		Request: &authv3.AttributeContext_Request{Time: timestamppb.Now(), Http: http},
	}}
}

func lines(pairs ...string) *corev3.HeaderMap {
	m := new(corev3.HeaderMap)
	for pair := range slices.Chunk(pairs, 2) {
		m.Headers = append(m.Headers, &corev3.HeaderValue{Key: pair[0], RawValue: []byte(pair[1])})
	}
	return m
}

// usualChecks are messages that have to be read the short way.
var usualChecks = []*authv3.AttributeContext_HttpRequest{
	{Id: "7", Method: "GET", Path: "/api/projects?q", Host: "h", Scheme: "https", Size: -1, Protocol: "HTTP/2",
		Headers: map[string]string{":path": "/api/projects?q", "authorization": "Bearer k", "cookie": "a=b", "x-request-id": "1"}},
	{Method: "POST", Path: "/", HeaderMap: lines("authorization", "Bearer k", "authorization", "Bearer \xff", "x-api-key", "k", "cookie", "a", "cookie", "b")},
	{Method: "POST", Path: "/", Body: `{"projectId":"p"}`, HeaderMap: lines()},
	{Method: "POST", Path: "/", RawBody: []byte(`{"projectId":"p"}`), Headers: map[string]string{"X-Api-Key": "a,b"}},
	{Method: "POST", Path: "/", Body: `{"projectId":"p"}`, Headers: map[string]string{"x-envoy-auth-partial-body": "true"}},
	{Method: "POST", Path: "/", Body: `{"projectId":"p"}`, HeaderMap: lines("content-encoding", "gzip")},
	{Method: "GET", Path: "/", HeaderMap: lines("x_api_key", "k", "Aeroplane+User", "u", "x-original-url", "/", "x_api_key", "k")},
	{Method: "GET", Path: "/", Headers: map[string]string{"aeroplane~user": "u", "x-http-method": "PUT"}},
	{},
}

// readsCheckAlike reads raw both ways: what is a message to gRPC's codec, is the same question.
func readsCheckAlike(t *testing.T, raw []byte) {
	t.Helper()
	if proto.Unmarshal(raw, new(authv3.CheckRequest)) != nil {
		return // the short way finds fault with less: it looks at less
	}
	want, got := new(check), &check{method: "OTHER", http: true, question: *dirtyQuestion()}
	if err := want.readAny(newCodec().CodecV2, buffers(raw, 1)); err != nil {
		t.Fatal(err)
	}
	dropped := func(c *check) []string { return slices.Compact(slices.Sorted(slices.Values(c.drop))) }
	if err := newCodec().Unmarshal(buffers(raw, 1+len(raw)%3), got); err != nil || want.spelled() != got.spelled() ||
		fmt.Sprint(want.headers().Cookie) != fmt.Sprint(got.headers().Cookie) || want.refused == nil && !slices.Equal(dropped(want), dropped(got)) {
		t.Errorf("%x:\ngot  %v, %v\nwant %v", raw, got.spelled(), err, want.spelled())
	}
}

func TestChecksAreReadTheShortWay(t *testing.T) {
	t.Parallel()
	for _, http := range usualChecks {
		raw := wire(t, checkOf(http))
		if !new(check).readUsual(string(raw)) {
			t.Errorf("read the long way: %v", http)
		}
		readsCheckAlike(t, raw)
	}
	readsCheckAlike(t, nil)
	readsCheckAlike(t, wire(t, &authv3.CheckRequest{Attributes: new(authv3.AttributeContext)}))
}

// Whatever the bytes, what gRPC's codec reads the short way reads as well, and alike.
func FuzzReadsChecksAsGRPC(f *testing.F) {
	for _, http := range usualChecks {
		f.Add(wire(f, checkOf(http)))
		f.Add(wire(f, http))
	}
	for _, raw := range odd() {
		f.Add(raw)
	}
	in := func(number protowire.Number, within []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), within)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		cooked := cook(raw)
		for _, http := range [][]byte{raw, cooked, in(3, cooked), in(13, in(1, cooked))} {
			readsCheckAlike(t, http)
			readsCheckAlike(t, in(1, in(4, in(2, http))))
			readsCheckAlike(t, slices.Concat(in(1, in(4, in(2, in(3, http)))), in(1, in(4, in(2, http))))) // the sum of two
		}
	})
}

// The credential of headers that gateways have joined, or not.
func TestCredentialsOfChecks(t *testing.T) {
	t.Parallel()
	const none, key, session, refused = authz.NoCredential, authz.KeyCredential, authz.SessionCredential, authz.ContradictoryCredential
	for _, c := range []struct {
		name string
		http *authv3.AttributeContext_HttpRequest
		want authz.CredentialKind
	}{
		{"one key", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("authorization", "Bearer k")}, key},
		{"one key, in another case", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("Authorization", "Bearer k")}, key},
		{"two headers", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("x-api-key", "k", "x-api-key", "k")}, refused},
		{"a comma in one header", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("x-api-key", "k,k")}, key},
		{"an alias", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("x_api_key", "k")}, none},
		{"lines count, joined do not", &authv3.AttributeContext_HttpRequest{HeaderMap: lines("x-other", "k"),
			Headers: map[string]string{"x-api-key": "k"}}, none},
		{"a map that is empty", &authv3.AttributeContext_HttpRequest{HeaderMap: lines(), Headers: map[string]string{"x-api-key": "k"}}, none},

		{"joined: one key", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"authorization": "Bearer k"}}, key},
		{"joined: an alias", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"x_api_key": "k"}}, none},
		{"joined: two keys", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"authorization": "Bearer k,Bearer k"}}, refused},
		{"joined: one that hides another", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"authorization": "Basic a,Bearer k"}}, refused},
		{"joined: neither is a key", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"authorization": "Basic a,Basic b"}}, refused},
		{"joined: empty headers", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"x-api-key": ","}}, refused},
		{"joined: two cookies", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"cookie": "a=b; aeroplane_session=s"}}, session},
		{"joined: a comma in a cookie", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"cookie": "a=b,c; aeroplane_session=s"}}, session},
		{"joined: no session", &authv3.AttributeContext_HttpRequest{Headers: map[string]string{"cookie": "a=b,c=d"}}, none},
		{"joined: which session is the first", &authv3.AttributeContext_HttpRequest{
			Headers: map[string]string{"cookie": "a=b, aeroplane_session=s; aeroplane_session=t"}}, refused},
		{"joined: a session that may be part of another cookie", &authv3.AttributeContext_HttpRequest{
			Headers: map[string]string{"cookie": "a=b,c,aeroplane_session=s"}}, refused},
		{"joined: a key hides the cookies", &authv3.AttributeContext_HttpRequest{
			Headers: map[string]string{"cookie": "a=b,aeroplane_session=s", "x-api-key": "k"}}, key},
	} {
		got := new(check)
		if err := newCodec().Unmarshal(buffers(wire(t, checkOf(c.http)), 1), got); err != nil || got.request.Credential.Kind != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got.request.Credential.Kind, err, c.want)
		}
	}
}

// What is written by hand is what the published messages would be.
func TestAllowedCheckIsTheContract(t *testing.T) {
	t.Parallel()
	for _, cookie := range []string{"", "a=b", strings.Repeat("c", usualCheck)} {
		a := newAllowedCheck([...]string{"key", "k", "u", "-", "read", "p", strings.Repeat("i,", 4000) + "j", "-"}, removal{removeKey, cookie, []string{"x~api~key"}})
		in := new(authv3.CheckResponse)
		if err := proto.Unmarshal(a.data.Materialize(), in); err != nil {
			t.Fatal(err)
		}
		ok := in.GetOkResponse()
		if in.GetStatus() == nil || in.GetStatus().GetCode() != 0 || ok == nil {
			t.Fatalf("%v", in)
		}
		names := map[string]string{}
		for _, h := range ok.GetHeaders() {
			names[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
			if h.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
				t.Errorf("%v does not replace the client's", h)
			}
		}
		if len(names) != len(ok.GetHeaders()) || names["aeroplane-key"] != "k" || names["cookie"] != cookie ||
			len(names["aeroplane-projects"]) != 8001 {
			t.Errorf("%v", names)
		}
		again := wireOf(in)
		if string(again) != string(a.data.Materialize()) {
			t.Errorf("it is written in another way than the codec would:\n%x\n%x", a.data.Materialize(), again)
		}
	}
}
