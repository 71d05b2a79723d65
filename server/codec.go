// SPDX-License-Identifier: Apache-2.0

package server

import (
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// A codec is gRPC's own for protobuf, but for calls for decisions, of which it reads questions and sends answers that are
// written already. Questions have a short way, which takes what is usual and nothing else: at the first thing that is not,
// gRPC's codec begins anew, and what it says holds. So a field, an error or an oddity that only the long way knows makes a call
// slower, and never other.
type codec struct {
	encoding.CodecV2 // gRPC's
}

func newCodec() codec { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	q, ok := v.(askable)
	switch {
	case !ok:
		return c.CodecV2.Unmarshal(data, v)
	case q.readUsual(q.copyOf(data)):
		return nil
	}
	return q.readAny(c.CodecV2, data)
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if a, ok := v.(*answer); ok {
		return a.data, nil
	}
	return c.CodecV2.Marshal(v)
}
