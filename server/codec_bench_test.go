// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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

func usualResults(n int) []result {
	return slices.Repeat([]result{{decision: usualDecision, revision: usualDecision.Revision.String()}}, n)
}

func messageOf(results []result) *authzv1.BatchAuthorizeResponse {
	all := new(authzv1.BatchAuthorizeResponse)
	for i := range results {
		all.Results = append(all.Results, results[i].message())
	}
	return all
}

// BenchmarkCodec reads questions and writes answers, by gRPC's codec and by ours:
//
//	go test -run '^$' -bench Codec -cpu 1 ./server
func BenchmarkCodec(b *testing.B) {
	few, many := usualResults(32), usualResults(1000)
	one := &few[0]
	for _, c := range []struct {
		name             string
		decisions        int
		question, answer proto.Message
		into             askable
		write            func() *answer
	}{
		{"unary", 1, usualQuestion(1), one.response(), new(single),
			func() *answer { a, _ := new(answer).to(one); return a }},
		{"stream", 1, &authzv1.AuthorizeStreamRequest{Id: 123456, Request: usualQuestion(1)},
			&authzv1.AuthorizeStreamResponse{Id: 123456, Result: one.message()}, new(numbered),
			func() *answer { return newStreamAnswer(123456, one) }},
		{"batch32", 32, questionsOf(32), messageOf(few), new(batch),
			func() *answer { return newBatchAnswer(few) }},
		{"batch1000", 1000, questionsOf(1000), messageOf(many), new(batch),
			func() *answer { return newBatchAnswer(many) }},
	} {
		raw := buffers(wire(b, c.question), 1)
		for _, codec := range []struct {
			name  string
			read  func() error
			write func() any
		}{
			{"grpc", func() error { return newCodec().Unmarshal(raw, fresh(c.question)) }, func() any { return c.answer }},
			{"ours", func() error { return newCodec().Unmarshal(raw, c.into) }, func() any { return c.write() }},
		} {
			b.Run(fmt.Sprintf("read/message=%s/codec=%s", c.name, codec.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := codec.read(); err != nil {
						b.Fatal(err)
					}
				}
				perDecision(b, c.decisions)
			})
			b.Run(fmt.Sprintf("write/message=%s/codec=%s", c.name, codec.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					data, err := newCodec().Marshal(codec.write())
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
