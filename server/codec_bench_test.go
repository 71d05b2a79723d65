// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// usualQuestion is a request of some 125 bytes, as a gateway sends it.
func usualQuestion(i int) *authzv1.AuthorizeRequest {
	return &authzv1.AuthorizeRequest{
		Method: "GET", Path: fmt.Sprintf("/api/services/service-%06d/overview", i),
		Credential: &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
			Authorization: []string{"Bearer ap_" + strings.Repeat("i", 16) + "_" + strings.Repeat("s", 49)},
		}},
	}
}

func questionsOf(n int) *authzv1.BatchAuthorizeRequest {
	batch := new(authzv1.BatchAuthorizeRequest)
	for i := range n {
		batch.Requests = append(batch.Requests, usualQuestion(i))
	}
	return batch
}

// usualDecision is one whose answer has some 95 bytes.
var usualDecision = authz.Decision{
	Allowed: true, Revision: authz.Revision{Seq: 1042, Tag: 0x1f86d081884c7d65},
	Grant: authz.Grant{ProjectID: "project-1234", Principal: authz.Principal{Key: &authz.KeyRecord{
		ID: strings.Repeat("i", 16), Name: "deploy-bot", Prefix: "ap_iiiiiiii", UserID: "user-1234", Access: authz.Write,
	}}},
}

func usualResult() *authzv1.AuthorizeResult {
	response, err := decisionToProto(usualDecision, usualDecision.Revision.String(), nil)
	if err != nil {
		panic(err)
	}
	return &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Response{Response: response}}
}

func resultsOf(n int) *authzv1.BatchAuthorizeResponse {
	batch := new(authzv1.BatchAuthorizeResponse)
	for range n {
		batch.Results = append(batch.Results, usualResult())
	}
	return batch
}

// BenchmarkCodec reads questions and writes answers, by gRPC's codec and by ours:
//
//	go test -run '^$' -bench Codec -cpu 1 ./server
func BenchmarkCodec(b *testing.B) {
	for _, c := range []struct {
		name             string
		decisions        int
		question, answer proto.Message
		empty            func() proto.Message // as gRPC makes it
	}{
		{"unary", 1, usualQuestion(1), usualResult().GetResponse(),
			func() proto.Message { return new(authzv1.AuthorizeRequest) }},
		{"stream", 1, &authzv1.AuthorizeStreamRequest{Id: 123456, Request: usualQuestion(1)},
			&authzv1.AuthorizeStreamResponse{Id: 123456, Result: usualResult()},
			func() proto.Message { return new(authzv1.AuthorizeStreamRequest) }},
		{"batch32", 32, questionsOf(32), resultsOf(32),
			func() proto.Message { return new(authzv1.BatchAuthorizeRequest) }},
		{"batch1000", 1000, questionsOf(1000), resultsOf(1000),
			func() proto.Message { return new(authzv1.BatchAuthorizeRequest) }},
	} {
		raw := buffers(wire(b, c.question), 1)
		for _, codec := range []struct {
			name string
			encoding.CodecV2
		}{{"grpc", newCodec().CodecV2}, {"ours", newCodec()}} {
			b.Run(fmt.Sprintf("read/message=%s/codec=%s", c.name, codec.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := codec.Unmarshal(raw, c.empty()); err != nil {
						b.Fatal(err)
					}
				}
				perDecision(b, c.decisions)
			})
			b.Run(fmt.Sprintf("write/message=%s/codec=%s", c.name, codec.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					data, err := codec.Marshal(c.answer)
					if err != nil {
						b.Fatal(err)
					}
					data.Free()
				}
				perDecision(b, c.decisions)
			})
		}
	}
}

func perDecision(b *testing.B, decisions int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*decisions), "ns/decision")
}

func BenchmarkDecisionToProto(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decisionToProto(usualDecision, usualDecision.Revision.String(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
