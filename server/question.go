// SPDX-License-Identifier: Apache-2.0

package server

import (
	"strings"
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// What is asked for decisions is read into the questions below, and not into the contract's messages: of a call that ends in
// memory those were the largest part that was ours. Each is read in one of two ways, which come to the same.
type askable interface {
	// copyOf copies a message out of the buffers of gRPC, which will use them for another one. All strings of a question are parts of
	// this one copy: whoever keeps one of them for longer than the call clones it.
	copyOf(data mem.BufferSlice) string
	// readUsual reads what is usual, and reports whether it was all. If not, what it left is to be read over.
	readUsual(text string) bool
	// readAny reads whatever gRPC's codec reads.
	readAny(c encoding.CodecV2, data mem.BufferSlice) error
}

// A question is a request for a decision: what to decide on, or why that cannot be.
type question struct {
	request authz.Request
	refused error
	target  string // what request.TransferTo points to
}

// fields are those of a request, of its credential what was picked.
type fields struct {
	method, path   string
	credential     authz.Credential
	credentialSize int // in bytes, of all that could be picked from
	target         string
	hasTarget      bool
	consistency    authzv1.Consistency
	atLeast        string
}

// ask makes the question that the fields are.
func (q *question) ask(f *fields) {
	if size := len(f.method) + len(f.path) + f.credentialSize + len(f.target); size > maxAsk {
		*q = question{refused: f.tooLarge(size)}
		return
	}
	var consistency authz.Consistency
	if f.consistency != 0 || f.atLeast != "" {
		var err error
		if consistency, err = consistencyFromProto(f.consistency, f.atLeast); err != nil {
			*q = question{refused: err}
			return
		}
	}
	*q = question{target: f.target, request: authz.Request{
		Method: f.method, Target: f.path, Credential: f.credential, Consistency: consistency,
	}}
	if f.hasTarget {
		q.request.TransferTo = &q.target
	}
}

// tooLarge refuses what no gateway should have accepted from its client, and names the field that is the largest.
func (f *fields) tooLarge(size int) error {
	largest, most := "", -1
	for _, part := range [...]struct {
		field string
		size  int
	}{{"method", len(f.method)}, {"path", len(f.path)}, {"credential", f.credentialSize}, {"target_project_id", len(f.target)}} {
		if part.size > most {
			largest, most = part.field, part.size
		}
	}
	return invalid(largest, "method, path, credential and target_project_id must hold at most %d bytes in all, not %d", maxAsk, size)
}

// from makes the question that a message is.
func (q *question) from(in *authzv1.AuthorizeRequest) {
	if err := refuseUnknown(in); err != nil {
		*q = question{refused: err}
		return
	}
	f := fields{
		method: in.GetMethod(), path: in.GetPath(), target: in.GetTargetProjectId(), hasTarget: in.TargetProjectId != nil,
		consistency: in.GetConsistency(), atLeast: in.GetAtLeastRevision(),
	}
	switch c := in.GetCredential().(type) {
	case *authzv1.AuthorizeRequest_ApiKey:
		f.credential, f.credentialSize = authz.KeyText(c.ApiKey), len(c.ApiKey)
	case *authzv1.AuthorizeRequest_SessionToken:
		f.credential, f.credentialSize = authz.SessionToken(c.SessionToken), len(c.SessionToken)
	case *authzv1.AuthorizeRequest_Headers:
		h := authz.CredentialHeaders{Authorization: c.Headers.GetAuthorization(), APIKey: c.Headers.GetXApiKey(), Cookie: c.Headers.GetCookie()}
		f.pickFrom(h)
	}
	q.ask(&f)
}

// pickFrom picks the credential of headers.
func (f *fields) pickFrom(h authz.CredentialHeaders) {
	f.credential, f.credentialSize = h.Credential(), size(h.Authorization)+size(h.APIKey)+size(h.Cookie)
}

func size(values []string) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}

func (q *question) copyOf(data mem.BufferSlice) string { return textOf(data) }

func (q *question) readAny(c encoding.CodecV2, data mem.BufferSlice) error {
	in := new(authzv1.AuthorizeRequest)
	if err := c.Unmarshal(data, in); err != nil {
		return err
	}
	q.from(in)
	return nil
}

// A single is the question of a call for one decision.
type single struct {
	question
	exchange *exchange
}

func (s *single) copyOf(data mem.BufferSlice) string {
	s.exchange = new(exchange)
	return s.exchange.copyOf(data)
}

// singles are kept for other calls: none of them outlives its own.
var singles = sync.Pool{New: func() any { return new(single) }}

// release keeps a question for another call, and nothing of what it asked.
func (s *single) release() {
	*s = single{}
	singles.Put(s)
}

// A numbered is a question of a stream.
type numbered struct {
	question
	id uint64
}

func (n *numbered) readAny(c encoding.CodecV2, data mem.BufferSlice) error {
	in := new(authzv1.AuthorizeStreamRequest)
	if err := c.Unmarshal(data, in); err != nil {
		return err
	}
	*n = numbered{id: in.GetId()}
	switch unknown := refuseUnknownOf(in.ProtoReflect(), ""); {
	case unknown != nil:
		n.refused = unknown
	case in.GetRequest() == nil:
		n.refused = errNoRequest()
	default:
		n.from(in.GetRequest())
	}
	return nil
}

func errNoRequest() error { return invalid("request", "must be set") }

// A batch is the questions of a BatchAuthorize, and their results.
type batch struct {
	questions []question
	results   []result
	refused   error
}

func (b *batch) copyOf(data mem.BufferSlice) string { return textOf(data) }

func (b *batch) readAny(c encoding.CodecV2, data mem.BufferSlice) error {
	in := new(authzv1.BatchAuthorizeRequest)
	if err := c.Unmarshal(data, in); err != nil {
		return err
	}
	requests := in.GetRequests()
	switch unknown := refuseUnknownOf(in.ProtoReflect(), ""); {
	case unknown != nil:
		b.refused = unknown
		return nil
	case len(requests) == 0 || len(requests) > maxBatch:
		b.refused = invalid("requests", "must be 1 to %d, not %d", maxBatch, len(requests))
		return nil
	}
	b.grow(len(requests))
	for i, r := range requests {
		b.questions[i].from(r)
	}
	return nil
}

// grow makes room for n questions, all empty, and their results.
func (b *batch) grow(n int) {
	b.clear()
	if n > cap(b.questions) {
		b.questions, b.results = make([]question, n), make([]result, n)
	}
	b.questions, b.results = b.questions[:n], b.results[:n]
}

func (b *batch) clear() {
	clear(b.questions)
	clear(b.results)
	b.questions, b.results, b.refused = b.questions[:0], b.results[:0], nil
}

// textOf copies a message.
func textOf(data mem.BufferSlice) string {
	if len(data) == 1 {
		return string(data[0].ReadOnlyData())
	}
	var b strings.Builder
	b.Grow(data.Len())
	for _, part := range data {
		b.Write(part.ReadOnlyData())
	}
	return b.String()
}

// batches are kept for other calls. The room of a long one is worth some 300 kB.
var batches = sync.Pool{New: func() any { return new(batch) }}

// release keeps a batch for another call, and nothing of what it asked.
func (b *batch) release() {
	b.clear()
	batches.Put(b)
}
