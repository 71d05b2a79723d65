// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The messages that have a short way.
var (
	questions = []proto.Message{
		new(authzv1.AuthorizeRequest), new(authzv1.AuthorizeStreamRequest), new(authzv1.BatchAuthorizeRequest)}
	answers = []proto.Message{
		new(authzv1.AuthorizeResponse), new(authzv1.AuthorizeStreamResponse), new(authzv1.BatchAuthorizeResponse)}
)

// fresh returns an empty message like m.
func fresh(m proto.Message) proto.Message { return m.ProtoReflect().New().Interface() }

// fill gives every field of m a value, so that no two texts are the same. Of each oneof it takes the pick-th, or the last.
func fill(m protoreflect.Message, pick int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() && o.Fields().Get(min(pick, o.Fields().Len()-1)) != f {
			continue
		}
		if !f.IsList() {
			m.Set(f, example(f, m.NewField(f), pick, 1))
			continue
		}
		list := m.Mutable(f).List()
		for n := range 3 {
			list.Append(example(f, list.NewElement(), pick, n))
		}
	}
}

func example(f protoreflect.FieldDescriptor, empty protoreflect.Value, pick, n int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		fill(empty.Message(), pick)
		return empty
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("%s, the %dth ü", f.FullName(), n))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-300)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1<<64 - 1)
	}
	panic("no example of a " + f.Kind().String())
}

// wire is what gRPC's codec makes of m.
func wire(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := newCodec().CodecV2.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data.Materialize()
}

// buffers returns raw in one buffer, or in several.
func buffers(raw []byte, parts int) (data mem.BufferSlice) {
	for part := range slices.Chunk(raw, len(raw)/parts+1) {
		data = append(data, mem.SliceBuffer(bytes.Clone(part)))
	}
	return data
}

// readsAlike reads raw both ways, in parts, and in buffers that are used for something else afterwards.
func readsAlike(t *testing.T, like proto.Message, raw []byte, parts int) {
	t.Helper()
	want, got := fresh(like), fresh(like)
	fill(got.ProtoReflect(), 0) // what was there is gone afterwards
	got.ProtoReflect().SetUnknown([]byte{15<<3 | varint, 1})
	wantErr := proto.Unmarshal(raw, want)
	data := buffers(raw, parts)
	err := newCodec().Unmarshal(data, got)
	for _, b := range data {
		copy(b.ReadOnlyData(), bytes.Repeat([]byte("x"), b.Len()))
	}
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || err == nil && !proto.Equal(want, got) {
		t.Errorf("%T of %x:\ngot  %v, %v\nwant %v, %v", like, raw, got, err, want, wantErr)
	}
}

// writesAlike writes m both ways, without what it holds of unknown fields.
func writesAlike(t *testing.T, m proto.Message) {
	t.Helper()
	got, err := newCodec().Marshal(m)
	if want := wire(t, m); err != nil || !bytes.Equal(got.Materialize(), want) {
		t.Errorf("%v:\ngot  %x, %v\nwant %x", m, got.Materialize(), err, want)
	}
	got.Free()
}

// Every field of the contract is read the short way. One that was added would be read the long way, and well, but slowly.
func TestQuestionsAreReadTheShortWay(t *testing.T) {
	t.Parallel()
	for _, like := range questions {
		for pick := range 3 {
			full := fresh(like)
			fill(full.ProtoReflect(), pick)
			raw := wire(t, full)
			if !readUsual(buffers(raw, 1), fresh(like)) {
				t.Errorf("%T: read the long way: %v", like, full)
			}
			for parts := range 3 {
				readsAlike(t, like, raw, parts+1)
			}
		}
	}
}

// Every text of the contract must be UTF-8.
func TestQuestionsAreUTF8(t *testing.T) {
	t.Parallel()
	for _, like := range questions {
		for pick := range 3 {
			full := fresh(like)
			fill(full.ProtoReflect(), pick)
			raw := wire(t, full)
			for i, b := range raw {
				if b != "ü"[0] {
					continue
				}
				bad := bytes.Clone(raw)
				bad[i] = 0xff
				if err := newCodec().Unmarshal(buffers(bad, 1), fresh(like)); err == nil {
					t.Errorf("%T: %q is read", like, bad)
				}
				readsAlike(t, like, bad, 1)
			}
		}
	}
}

// Every field of the contract is written. This is the test which fails when one is added, and not taught to the writer.
func TestAnswersAreWrittenWhole(t *testing.T) {
	t.Parallel()
	for _, like := range answers {
		writesAlike(t, fresh(like))
		for pick := range 2 {
			full := fresh(like)
			fill(full.ProtoReflect(), pick)
			if _, ok := writeUsual(full); !ok {
				t.Errorf("%T: written the long way: %v", like, full)
			}
			writesAlike(t, full)
		}
	}
}

// Lengths take one byte or more, and a batch more than one buffer.
func TestAnswersOfAllLengths(t *testing.T) {
	t.Parallel()
	batch := new(authzv1.BatchAuthorizeResponse)
	for _, size := range []int{0, 1, 50, 90, 120, 123, 124, 125, 126, 127, 128, 129, 1000, 16375, 16384, 50_000} {
		answer := &authzv1.AuthorizeResponse{Grant: &authzv1.Grant{ProjectId: strings.Repeat("p", size)}}
		writesAlike(t, answer)
		batch.Results = append(batch.Results, &authzv1.AuthorizeResult{
			Result: &authzv1.AuthorizeResult_Response{Response: answer}})
	}
	writesAlike(t, batch)
	for range 2 * usualAnswer {
		batch.Results = append(batch.Results, batch.Results[:8]...)
	}
	writesAlike(t, batch)
}

// What is nil where it should not be is as empty as for gRPC.
func TestAnswersWithoutSomething(t *testing.T) {
	t.Parallel()
	grants := []*authzv1.Grant{{Principal: &authzv1.Grant_Key{}}, {Principal: &authzv1.Grant_Session{}}}
	for _, m := range []proto.Message{
		(*authzv1.AuthorizeResponse)(nil), (*authzv1.AuthorizeStreamResponse)(nil), (*authzv1.BatchAuthorizeResponse)(nil),
		&authzv1.AuthorizeResponse{Grant: grants[0]}, &authzv1.AuthorizeResponse{Grant: grants[1]},
		&authzv1.AuthorizeResponse{Grant: &authzv1.Grant{VisibleProjects: &authzv1.ProjectScope{ProjectIds: []string{"", "p", ""}}}},
		&authzv1.BatchAuthorizeResponse{Results: []*authzv1.AuthorizeResult{
			nil, {}, {Result: &authzv1.AuthorizeResult_Response{}}, {Result: &authzv1.AuthorizeResult_Error{}}}},
	} {
		writesAlike(t, m)
	}
}

// A text that is not UTF-8 must not be sent: many libraries would refuse the answer, or worse, not.
func TestAnswersAreUTF8(t *testing.T) {
	t.Parallel()
	bad := &authzv1.AuthorizeResponse{Revision: "\xff"}
	result := &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Response{Response: bad}}
	good := &authzv1.AuthorizeResult{}
	for _, m := range []proto.Message{bad, &authzv1.AuthorizeStreamResponse{Result: result},
		&authzv1.BatchAuthorizeResponse{Results: append(slices.Repeat([]*authzv1.AuthorizeResult{good}, 500), result)},
	} {
		data, err := newCodec().Marshal(m)
		if _, want := proto.Marshal(m); err == nil || err.Error() != want.Error() {
			t.Errorf("got %v, %v, want %v", data, err, want)
		}
	}
}

// A batch that is longer than may be is read all the same, so that the refusal can say how long it is.
func TestLongBatchIsRead(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, maxBatch, maxBatch + 1} {
		m := &authzv1.BatchAuthorizeRequest{Requests: slices.Repeat([]*authzv1.AuthorizeRequest{{Path: "/"}}, n)}
		raw := wire(t, m)
		readsAlike(t, m, raw, 1)
		if short := readUsual(buffers(raw, 1), fresh(m)); short != (n <= maxBatch) {
			t.Errorf("%d requests: the short way %v", n, short)
		}
	}
}

// odd is what a peer may send which is not usual, and a little that only looks like it.
func odd() (raws [][]byte) {
	field := func(number protowire.Number, within ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), within)
	}
	cat := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	auth, key, cookie := field(1, 'a'), field(2, 'b'), field(3, 'c')
	requests := [][]byte{
		cat(field(5, auth...), field(5, cat(auth, key)...)), // merged
		cat(field(5, auth...), field(3, 'k')),               // replaced, and the other way round
		cat(field(3, 'k'), field(5, cookie...), field(4, 's')),
		cat(field(5, auth...), field(4, 's'), field(5, cookie...)), // replaced twice, and not merged
		field(5), cat(field(5), field(5)), field(5, cat(field(1), field(3, 'c'), field(2), field(1))...),
		field(1, 'G', 0xff), field(5, field(3, 0xc0, 0x80)...), field(6, 0xed, 0xa0, 0x80), // not UTF-8
		cat(field(1, 0xff), field(1, 'G')),                         // nor that, though replaced
		field(9, 'x'), field(5, field(4, 'x')...), field(200, 'x'), // unknown
		{1 << 3, 1}, {7<<3 | 2, 1, 1}, {5<<3 | 5, 1, 2, 3, 4}, {1<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8}, // of another type
		{1<<3 | 3, 1<<3 | 4}, {9<<3 | 3, 9<<3 | 4}, {9<<3 | 3}, {9<<3 | 4}, // groups
		{0, 0}, {2}, {1<<3 | 6}, {1<<3 | 7}, {0x8a, 0x00, 1, 'G'}, {0x8a, 0x80, 0x80, 0x80, 0x10, 1, 'G'}, {0x8a, 0x80, 0x80, 0x80, 0x80, 0x01, 1, 'G'}, // tags
		{7 << 3, 2}, {7 << 3, 0x80}, {7 << 3, 0x81, 0x80, 0x80, 0x80, 0x10}, // enums
		append([]byte{7 << 3}, protowire.AppendVarint(nil, 1<<64-1)...),
		append([]byte{7 << 3}, bytes.Repeat([]byte{0x80}, 9)...), cat([]byte{7 << 3}, bytes.Repeat([]byte{0xff}, 9), []byte{2}),
		cat([]byte{7 << 3}, bytes.Repeat([]byte{0x80}, 9), []byte{0}), cat([]byte{7 << 3}, bytes.Repeat([]byte{0x80}, 10), []byte{0}),
		{1<<3 | 2}, {1<<3 | 2, 2, 'G'}, {1<<3 | 2, 0x81, 0x00, 'G'}, {5<<3 | 2, 3, 1<<3 | 2, 9, 'a'}, // lengths
		cat([]byte{1<<3 | 2}, protowire.AppendVarint(nil, 1<<63)), cat([]byte{1<<3 | 2}, bytes.Repeat([]byte{0xff}, 10)),
	}
	for _, r := range requests {
		raws = append(raws, r, field(1, r...), field(2, r...),
			cat(field(1, auth...), field(1, r...)), cat([]byte{1 << 3, 7}, field(2, auth...), field(2, r...)))
	}
	return raws
}

// Nothing is followed to where the stack ends.
func TestDeepNestingIsRefused(t *testing.T) {
	t.Parallel()
	for _, like := range questions {
		readsAlike(t, like, bytes.Repeat([]byte{9<<3 | 3}, 1<<20), 1)
	}
}

// Whatever the bytes, the codec reads the same message of them as gRPC's, or says the same of them.
func FuzzReadsAsGRPC(f *testing.F) {
	for _, raw := range odd() {
		f.Add(raw)
	}
	for _, like := range questions {
		for pick := range 3 {
			full := fresh(like)
			fill(full.ProtoReflect(), pick)
			f.Add(wire(f, full))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, like := range questions {
			readsAlike(t, like, raw, 1+len(raw)%3)
			readsAlike(t, like, cook(raw), 1)
		}
	})
}

// cook makes of a recipe what is more often nearly right than bytes by chance: two of its bytes are a field.
func cook(recipe []byte) (raw []byte) {
	var within []byte // what was made before, to be put into a field
	for pair := range slices.Chunk(recipe, 2) {
		if len(raw) > 1<<10 {
			break // it doubles
		}
		number := protowire.Number(pair[0]%10 + 1)
		value := pair[len(pair)-1]
		switch pair[0] / 10 % 8 {
		case 0:
			raw = protowire.AppendVarint(protowire.AppendTag(raw, number, protowire.VarintType), uint64(value)<<(value%60))
		case 1:
			raw, within = nil, raw
		case 2:
			raw = append(raw, value)
		case 3, 4:
			raw = protowire.AppendBytes(protowire.AppendTag(raw, number, protowire.BytesType), within)
		default:
			raw = protowire.AppendBytes(protowire.AppendTag(raw, number, protowire.BytesType), recipe[:min(int(value%8), len(recipe))])
		}
	}
	return raw
}

// Whatever the answer, the codec writes the same bytes for it as gRPC's.
func FuzzWritesAsGRPC(f *testing.F) {
	for _, like := range answers {
		for pick := range 2 {
			full := fresh(like)
			fill(full.ProtoReflect(), pick)
			f.Add(wire(f, full))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, like := range answers {
			for _, b := range [][]byte{raw, cook(raw)} {
				m := fresh(like)
				if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, m); err == nil {
					writesAlike(t, m)
				}
			}
		}
	})
}
