// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/secret"
)

// asked are the messages that have a short way, and what each is read into, with something in it that is gone afterwards.
var asked = []struct {
	message proto.Message
	dirty   func() askable
}{
	{new(authzv1.AuthorizeRequest), func() askable { return &single{question: *dirtyQuestion()} }},
	{new(authzv1.AuthorizeStreamRequest), func() askable { return &numbered{id: 7, question: *dirtyQuestion()} }},
	{new(authzv1.BatchAuthorizeRequest), func() askable {
		return &batch{questions: []question{*dirtyQuestion(), *dirtyQuestion()}, results: make([]result, 2), refused: errNoRequest()}
	}},
}

func dirtyQuestion() *question {
	q := &question{refused: errNoRequest()}
	q.from(&authzv1.AuthorizeRequest{Method: "OTHER", Path: "/other", TargetProjectId: new(string), Consistency: authzv1.Consistency_CONSISTENCY_STRONG,
		Credential: &authzv1.AuthorizeRequest_ApiKey{ApiKey: "other"}, AtLeastRevision: authz.Revision{Seq: 1, Tag: 1}.String()})
	return q
}

// spelled tells all of a question, its credential too, which nothing else may show.
func (q *question) spelled() string {
	credential := (*struct {
		kind authz.CredentialKind
		text secret.Text
	})(unsafe.Pointer(&q.request.Credential))
	target := "none"
	if q.request.TransferTo != nil {
		target = *q.request.TransferTo
	}
	return fmt.Sprintf("%+q %+q %d %+q %+q %+v %v: %v", q.request.Method, q.request.Target, credential.kind, credential.text.Reveal(), target,
		q.request.Consistency, q.request.AtOnce, q.refused)
}

// spelledAny tells all of what a message was read into.
func spelledAny(a askable) string {
	switch a := a.(type) {
	case *single:
		return a.spelled()
	case *numbered:
		return fmt.Sprint(a.id, a.spelled())
	case *batch:
		var all []string
		for i := range a.questions {
			all = append(all, a.questions[i].spelled())
		}
		return fmt.Sprint(all, len(a.results), a.refused)
	}
	panic("it is none of those")
}

// fresh returns an empty message like m.
func fresh(m proto.Message) proto.Message { return m.ProtoReflect().New().Interface() }

// fill gives every field of m a value, so that no two texts are the same, and every list as many. Of each oneof it takes the pick-th,
// or the last.
func fill(m protoreflect.Message, pick, items int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() && o.Fields().Get(min(pick, o.Fields().Len()-1)) != f {
			continue
		}
		if !f.IsList() {
			m.Set(f, example(f, m.NewField(f), pick, items, 1))
			continue
		}
		list := m.Mutable(f).List()
		for n := range items {
			list.Append(example(f, list.NewElement(), pick, items, n))
		}
	}
}

func example(f protoreflect.FieldDescriptor, empty protoreflect.Value, pick, items, n int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		fill(empty.Message(), pick, items)
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

// readsAlike reads raw both ways, in parts, and in buffers that are used for something else afterwards. Its answer is written before
// the question is looked at, which may lie beside it.
func readsAlike(t *testing.T, which int, raw []byte, parts int) {
	t.Helper()
	a := asked[which]
	want, got := a.dirty(), a.dirty()
	wantErr := want.readAny(newCodec().CodecV2, buffers(raw, 1))
	data := buffers(raw, parts)
	err := newCodec().Unmarshal(data, got)
	for _, b := range data {
		copy(b.ReadOnlyData(), bytes.Repeat([]byte("x"), b.Len()))
	}
	if s, ok := got.(*single); ok {
		answer := allowed(authz.Grant{ProjectID: strings.Repeat("p", usualAnswer)})
		if _, err := s.exchange.to(&answer); err != nil {
			t.Error(err)
		}
	}
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || err == nil && spelledAny(want) != spelledAny(got) {
		t.Errorf("%T of %x:\ngot  %v, %v\nwant %v, %v", a.message, raw, spelledAny(got), err, spelledAny(want), wantErr)
	}
}

// A question that is as long as what is usual, a little shorter or longer, is copied whole.
func TestQuestionsOfAllLengths(t *testing.T) {
	t.Parallel()
	for n := range 2 * usualAsk {
		readsAlike(t, 0, wire(t, &authzv1.AuthorizeRequest{Path: strings.Repeat("p", n)}), 1+n%3)
	}
}

// Every field of the contract is read the short way. One that was added would be read the long way, and well, but slowly.
func TestQuestionsAreReadTheShortWay(t *testing.T) {
	t.Parallel()
	for which, a := range asked {
		for pick := range 3 {
			for items := range 4 {
				full := fresh(a.message)
				fill(full.ProtoReflect(), pick, items)
				raw := wire(t, full)
				if q := a.dirty(); items == 1 && !q.readUsual(string(raw)) {
					t.Errorf("read the long way: %v", full)
				}
				for parts := range 3 {
					readsAlike(t, which, raw, parts+1)
				}
			}
		}
	}
}

// Every text of the contract must be UTF-8.
func TestQuestionsAreUTF8(t *testing.T) {
	t.Parallel()
	for which, a := range asked {
		for pick := range 3 {
			full := fresh(a.message)
			fill(full.ProtoReflect(), pick, 1)
			raw := wire(t, full)
			for i, b := range raw {
				if b != "ü"[0] {
					continue
				}
				bad := bytes.Clone(raw)
				bad[i] = 0xff
				if err := newCodec().Unmarshal(buffers(bad, 1), a.dirty()); err == nil {
					t.Errorf("%T: %q is read", a.message, bad)
				}
				readsAlike(t, which, bad, 1)
			}
		}
	}
}

// A batch that is longer than may be is read all the same, so that the refusal can say how long it is.
func TestLongBatchIsRead(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, maxBatch, maxBatch + 1} {
		m := &authzv1.BatchAuthorizeRequest{Requests: slices.Repeat([]*authzv1.AuthorizeRequest{{Path: "/"}}, n)}
		raw := wire(t, m)
		readsAlike(t, 2, raw, 1)
		if short := new(batch).readUsual(string(raw)); short != (n > 0 && n <= maxBatch) {
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
	for which := range asked {
		readsAlike(t, which, bytes.Repeat([]byte{9<<3 | 3}, 1<<20), 1)
	}
}

// Whatever the bytes, the codec reads the same message of them as gRPC's, or says the same of them.
func FuzzReadsAsGRPC(f *testing.F) {
	for _, raw := range odd() {
		f.Add(raw)
	}
	for _, a := range asked {
		for pick := range 3 {
			full := fresh(a.message)
			fill(full.ProtoReflect(), pick, 1+pick)
			f.Add(wire(f, full))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for which := range asked {
			readsAlike(t, which, raw, 1+len(raw)%3)
			readsAlike(t, which, cook(raw), 1)
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
