// SPDX-License-Identifier: Apache-2.0

package server

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"aeroplane.run/authz"
)

// A writer writes the wire form of answers, byte for byte as google.golang.org/protobuf would: by number, but a field of a
// oneof after those which are not.
//
// What it does not know of is not sent: TestAnswersAreWrittenWhole looks for every field that the contract has.
type writer struct {
	buf     []byte
	careful bool // each text is looked at
	failed  bool // one was not UTF-8
}

// result is an AuthorizeResult. What cannot be sent of a decision is the fault of one request.
func (w *writer) result(r *result) {
	fault := r.fault
	if fault == nil {
		from := len(w.buf)
		at := w.begin(1<<3 | sized)
		w.response(r)
		w.end(at)
		if !w.failed {
			return
		}
		w.buf, w.failed = w.buf[:from], false
		fault = faultOf(statusOf(errNotUTF8()), errNotUTF8())
	}
	at := w.begin(2<<3 | sized)
	w.number(1<<3|varint, uint64(fault.GetCode()))
	w.text(2<<3|sized, fault.GetReason())
	w.text(3<<3|sized, fault.GetMessage())
	w.end(at)
}

// response is an AuthorizeResponse, of a decision that is allowed or has a row in denials.
//
// The texts of an allow are looked at in one go. What stands between them is mostly ASCII, so if the whole is UTF-8 they all are; and
// if it is not, each of them is looked at. That is done at once for a denial, whose status takes bytes that are no UTF-8.
func (w *writer) response(r *result) {
	from := len(w.buf)
	w.careful = !r.decision.Allowed
	w.texts(r)
	if !w.careful && !utf8.Valid(w.buf[from:]) {
		w.buf, w.careful = w.buf[:from], true
		w.texts(r)
	}
	w.careful = false
}

// texts is response, and only a careful one looks at texts.
func (w *writer) texts(r *result) {
	if d := &r.decision; d.Allowed {
		w.flag(1<<3|varint, true)
		at := w.begin(3<<3 | sized)
		w.grant(&d.Grant)
		w.end(at)
	} else {
		at := w.begin(2<<3 | sized)
		w.number(1<<3|varint, uint64(denials.proto(d.Reason)))
		w.number(2<<3|varint, uint64(d.Reason.HTTPStatus()))
		w.text(3<<3|sized, d.Reason.String())
		w.end(at)
	}
	w.text(4<<3|sized, r.revision)
}

func (w *writer) grant(g *authz.Grant) {
	w.number(3<<3|varint, uint64(accessLevels.proto(g.Principal.Access())))
	w.text(4<<3|sized, g.ProjectID)
	if g.Visible != nil {
		at := w.begin(5<<3 | sized)
		w.flag(1<<3|varint, g.Visible.All)
		for _, id := range g.Visible.IDs {
			w.item(2<<3|sized, id)
		}
		w.end(at)
	}
	w.flag(6<<3|varint, g.TransferTargetUnchecked)
	switch key, session := g.Principal.Key, g.Principal.Session; {
	case key != nil:
		at := w.begin(1<<3 | sized)
		w.text(1<<3|sized, key.ID)
		w.text(2<<3|sized, key.Name)
		w.text(3<<3|sized, key.Prefix)
		w.text(4<<3|sized, key.UserID)
		w.end(at)
	case session != nil:
		at := w.begin(2<<3 | sized)
		w.text(1<<3|sized, session.UserID)
		w.number(2<<3|varint, uint64(userRoles.proto(session.Role)))
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
	switch {
	case v == 0:
	case v < 0x80:
		w.buf = append(w.buf, tag, byte(v))
	default:
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
	if w.careful && !utf8.ValidString(v) {
		w.failed = true
	}
	if len(v) < 0x80 {
		w.buf = append(append(w.buf, tag, byte(len(v))), v...)
		return
	}
	w.buf = protowire.AppendString(append(w.buf, tag), v)
}
