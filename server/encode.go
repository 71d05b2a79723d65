// SPDX-License-Identifier: Apache-2.0

package server

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A writer writes the wire form of answers, byte for byte as google.golang.org/protobuf would: by number, but a field of a
// oneof after those which are not. It does not look for unknown fields, since we give nothing such into an answer.
//
// What it does not know of is not sent: TestAnswersAreWrittenWhole fills every field that the contract has.
type writer struct {
	buf    []byte
	failed bool // a text was not UTF-8
}

// results is a BatchAuthorizeResponse, or a part of one.
func (w *writer) results(results []*authzv1.AuthorizeResult) {
	for _, r := range results {
		at := w.begin(1<<3 | sized)
		w.result(r)
		w.end(at)
	}
}

func (w *writer) streamResponse(m *authzv1.AuthorizeStreamResponse) {
	w.number(1<<3|varint, m.GetId())
	if r := m.GetResult(); r != nil {
		at := w.begin(2<<3 | sized)
		w.result(r)
		w.end(at)
	}
}

func (w *writer) result(m *authzv1.AuthorizeResult) {
	switch r := m.GetResult().(type) {
	case *authzv1.AuthorizeResult_Response:
		at := w.begin(1<<3 | sized)
		w.response(r.Response)
		w.end(at)
	case *authzv1.AuthorizeResult_Error:
		at := w.begin(2<<3 | sized)
		w.number(1<<3|varint, uint64(r.Error.GetCode()))
		w.text(2<<3|sized, r.Error.GetReason())
		w.text(3<<3|sized, r.Error.GetMessage())
		w.end(at)
	}
}

func (w *writer) response(m *authzv1.AuthorizeResponse) {
	w.flag(1<<3|varint, m.GetAllowed())
	if d := m.GetDenial(); d != nil {
		at := w.begin(2<<3 | sized)
		w.number(1<<3|varint, uint64(d.GetReason()))
		w.number(2<<3|varint, uint64(d.GetHttpStatus()))
		w.text(3<<3|sized, d.GetMessage())
		w.end(at)
	}
	if g := m.GetGrant(); g != nil {
		at := w.begin(3<<3 | sized)
		w.grant(g)
		w.end(at)
	}
	w.text(4<<3|sized, m.GetRevision())
}

func (w *writer) grant(m *authzv1.Grant) {
	w.number(3<<3|varint, uint64(m.GetAccessLevel()))
	w.text(4<<3|sized, m.GetProjectId())
	if s := m.GetVisibleProjects(); s != nil {
		at := w.begin(5<<3 | sized)
		w.flag(1<<3|varint, s.GetAll())
		for _, id := range s.GetProjectIds() {
			w.item(2<<3|sized, id)
		}
		w.end(at)
	}
	w.flag(6<<3|varint, m.GetTransferTargetUnchecked())
	switch p := m.GetPrincipal().(type) {
	case *authzv1.Grant_Key:
		at := w.begin(1<<3 | sized)
		w.text(1<<3|sized, p.Key.GetId())
		w.text(2<<3|sized, p.Key.GetName())
		w.text(3<<3|sized, p.Key.GetPrefix())
		w.text(4<<3|sized, p.Key.GetUserId())
		w.end(at)
	case *authzv1.Grant_Session:
		at := w.begin(2<<3 | sized)
		w.text(1<<3|sized, p.Session.GetUserId())
		w.number(2<<3|varint, uint64(p.Session.GetRole()))
		w.end(at)
	}
}

// begin begins a message, whose length will stand before it. For that it leaves a byte, which is mostly enough.
func (w *writer) begin(tag byte) (at int) {
	w.buf = append(w.buf, tag, 0)
	return len(w.buf)
}

// end ends the message that began at.
func (w *writer) end(at int) {
	size := len(w.buf) - at
	if size < 0x80 {
		w.buf[at-1] = byte(size)
		return
	}
	more := protowire.SizeVarint(uint64(size)) - 1
	w.buf = append(w.buf, make([]byte, more)...)
	copy(w.buf[at+more:], w.buf[at:at+size])
	protowire.AppendVarint(w.buf[:at-1], uint64(size))
}

func (w *writer) flag(tag byte, v bool) {
	if v {
		w.buf = append(w.buf, tag, 1)
	}
}

func (w *writer) number(tag byte, v uint64) {
	if v != 0 {
		w.buf = protowire.AppendVarint(append(w.buf, tag), v)
	}
}

func (w *writer) text(tag byte, v string) {
	if v != "" {
		w.item(tag, v)
	}
}

// item is a text of a list, where one that is empty counts.
func (w *writer) item(tag byte, v string) {
	if !utf8.ValidString(v) {
		w.failed = true
	}
	if len(v) < 0x80 {
		w.buf = append(append(w.buf, tag, byte(len(v))), v...)
		return
	}
	w.buf = protowire.AppendString(append(w.buf, tag), v)
}
