// SPDX-License-Identifier: Apache-2.0

package server

import (
	"slices"
	"unsafe"

	"google.golang.org/grpc/mem"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A result is what became of one request: a decision, or why there is none.
type result struct {
	decision authz.Decision
	revision string // the text of the decision's
	fault    *authzv1.AuthorizeError
}

// check refuses a denial without a row in denials, of which it is not known what to tell the client. Errors: Internal.
func (r *result) check() error {
	if d := &r.decision; !d.Allowed && denials.proto(d.Reason) == authzv1.DenialReason_DENIAL_REASON_UNSPECIFIED {
		return authz.Errorf(authz.Internal, "a denial with the unknown reason %d", uint8(d.Reason))
	}
	return nil
}

// An answer is the wire form of what a call is answered with, in one allocation unless it is longer than usual.
type answer struct {
	data   mem.BufferSlice
	list   [1]mem.Buffer
	buffer mem.SliceBuffer
	room   [usualAnswer]byte
}

// usualAnswer is how many bytes an answer usually has at most. A longer one costs another allocation.
const usualAnswer = 128

// writer returns what writes the answer.
func (a *answer) writer() writer { return writer{buf: a.room[:0]} }

// wrote says that all is written.
func (a *answer) wrote(w *writer) *answer {
	a.buffer = w.buf
	a.list[0] = &a.buffer
	a.data = a.list[:]
	return a
}

// An exchange is the copy of a question, and its answer, in one allocation unless the question is longer than usual.
type exchange struct {
	answer
	text [usualAsk]byte
}

// usualAsk is how many bytes a question usually has at most.
const usualAsk = 160

// copyOf copies the question. It is done once.
func (x *exchange) copyOf(data mem.BufferSlice) string {
	if len(data) == 1 { // as a rule
		if wire := data[0].ReadOnlyData(); len(wire) <= len(x.text) {
			return unsafe.String(&x.text[0], copy(x.text[:], wire))
		}
	}
	return textOf(data)
}

// to makes it the answer to Authorize.
func (a *answer) to(r *result) (*answer, error) {
	w := a.writer()
	w.response(r)
	if w.failed {
		return nil, errNotUTF8()
	}
	return a.wrote(&w), nil
}

// newStreamAnswer returns the answer to a question of a stream.
func newStreamAnswer(id uint64, r *result) *answer {
	a := new(answer)
	w := a.writer()
	w.number(1<<3|varint, id)
	at := w.begin(2<<3 | sized)
	w.result(r)
	w.end(at)
	return a.wrote(&w)
}

// newBatchAnswer returns the answer to a batch, which is worth buffers of the pool: of its smaller ones, since the pool clears a
// buffer whole, and its largest have a megabyte.
func newBatchAnswer(results []result) *answer {
	a := new(answer)
	pool := mem.DefaultBufferPool()
	for results := range slices.Chunk(results, 16<<10/usualAnswer) {
		pooled := pool.Get(usualAnswer * len(results))
		w := writer{buf: (*pooled)[:0]}
		for i := range results {
			at := w.begin(1<<3 | sized)
			w.result(&results[i])
			w.end(at)
		}
		if cap(w.buf) != cap(*pooled) { // what was written has outgrown the buffer
			pool.Put(pooled)
			a.data = append(a.data, mem.SliceBuffer(w.buf))
			continue
		}
		*pooled = w.buf
		a.data = append(a.data, mem.NewBuffer(pooled, pool))
	}
	return a
}

// errNotUTF8 is for what must not be sent: many libraries would refuse the answer, or worse, not.
func errNotUTF8() error {
	return authz.Errorf(authz.Internal, "an answer holds a text that is not UTF-8")
}
