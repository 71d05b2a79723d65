// SPDX-License-Identifier: Apache-2.0

package server

import (
	"slices"
	"strings"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A codec is gRPC's own for protobuf, with a short way for the messages that decisions are asked for and answered with.
// The short way takes what is usual and nothing else: at the first thing that is not, gRPC's codec begins anew, and what
// it says holds. So a field, an error or an oddity that only the long way knows makes a call slower, and never other.
type codec struct {
	encoding.CodecV2 // gRPC's
}

func newCodec() codec { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if readUsual(data, v) {
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if data, ok := writeUsual(v); ok {
		return data, nil
	}
	return c.CodecV2.Marshal(v)
}

// readUsual reads data into v, and reports whether it could. If not, it may have left something in v, which gRPC's codec
// takes out again.
func readUsual(data mem.BufferSlice, v any) bool {
	switch m := v.(type) {
	case *authzv1.AuthorizeRequest:
		m.Reset()
		return readRequest(textOf(data), m, nil)
	case *authzv1.AuthorizeStreamRequest:
		m.Reset()
		return readStreamRequest(textOf(data), m)
	case *authzv1.BatchAuthorizeRequest:
		m.Reset()
		return readBatch(textOf(data), m)
	}
	return false
}

// textOf copies a message out of the buffers of gRPC, which will use them for another one. All strings of a request are
// parts of this one copy: whoever keeps one of them for longer than the request clones it.
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

// usualAnswer is how many bytes an answer usually has at most. A longer one costs another allocation.
const usualAnswer = 128

// writeUsual returns the wire form of v, and reports whether it could.
func writeUsual(v any) (mem.BufferSlice, bool) {
	var w writer
	switch m := v.(type) {
	case *authzv1.AuthorizeResponse:
		w.buf = make([]byte, 0, usualAnswer)
		w.response(m)
	case *authzv1.AuthorizeStreamResponse:
		w.buf = make([]byte, 0, usualAnswer)
		w.streamResponse(m)
	case *authzv1.BatchAuthorizeResponse:
		return writeBatch(m)
	default:
		return nil, false
	}
	return mem.BufferSlice{mem.SliceBuffer(w.buf)}, !w.failed
}

// writeBatch is writeUsual for a batch, which is worth buffers of the pool: of its smaller ones, since the pool clears a
// buffer whole, and its largest have a megabyte.
func writeBatch(m *authzv1.BatchAuthorizeResponse) (data mem.BufferSlice, ok bool) {
	pool := mem.DefaultBufferPool()
	for results := range slices.Chunk(m.GetResults(), 16<<10/usualAnswer) {
		pooled := pool.Get(usualAnswer * len(results))
		w := writer{buf: (*pooled)[:0]}
		w.results(results)
		switch {
		case w.failed:
			pool.Put(pooled)
			data.Free()
			return nil, false
		case cap(w.buf) != cap(*pooled): // what was written has outgrown the buffer
			pool.Put(pooled)
			data = append(data, mem.SliceBuffer(w.buf))
		default:
			*pooled = w.buf
			data = append(data, mem.NewBuffer(pooled, pool))
		}
	}
	return data, true
}
