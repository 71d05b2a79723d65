// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz"
)

// at is a time as stores return it.
func at(second int64) time.Time { return time.Unix(second, 123_456_000).UTC() }

// examples are records of each kind, by what is peculiar about them.
var examples = map[string]authz.Record{
	"nothing": {},
	"key for all": {Key: &authz.KeyRecord{ID: "abcdefghijklmnop", Name: "ci, Zürich", Prefix: "ap_abcdefghijklmnop", Access: authz.Write,
		Projects: authz.ProjectScope{All: true}}},
	"key for some": {Key: &authz.KeyRecord{ID: "k", Name: "n", Prefix: "ap_k", UserID: "u", Access: authz.Read,
		Projects: authz.ProjectScope{IDs: []string{"p1", "p2"}}, Expires: authz.InstantOf(at(2)), Revoked: true}},
	"key for none":   {Key: &authz.KeyRecord{ID: "k", Projects: authz.ProjectScope{IDs: []string{}}}},
	"before 1970":    {Key: &authz.KeyRecord{ID: "k", Expires: authz.InstantOf(at(-1_000_000))}},
	"session":        {Session: &authz.Session{Digest: authz.Digest{1, 2, 31: 3}, UserID: "u", Role: authz.UserRoleOwner, ExpiresAt: at(9)}},
	"revoked":        {Session: &authz.Session{Role: authz.UserRoleUser, ExpiresAt: at(9), RevokedAt: at(8)}},
	"service":        {Parent: "a-project"},
	"project":        {Projects: []authz.ProjectRef{{ID: "p", OwnerID: "u"}}},
	"two of a slug":  {Projects: []authz.ProjectRef{{ID: "p"}, {ID: "q", OwnerID: "u"}}},
	"user with none": {Projects: []authz.ProjectRef{}},
	"all at once": {Key: &authz.KeyRecord{ID: "k"}, Session: &authz.Session{UserID: "u"}, Parent: "p",
		Projects: []authz.ProjectRef{{ID: "p"}}},
}

// withoutNotes leaves out what a record of a key knows of its use.
var withoutNotes = cmpopts.IgnoreUnexported(authz.KeyRecord{})

var revision = authz.Revision{Seq: 1042, Tag: -0x1234_5678_9abc_def0}

func TestWhatIsEncodedComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, record := range examples {
		encoded, ok := encode(record, revision)
		if !ok {
			t.Errorf("%s: not encoded", name)
			continue
		}
		got, rev, ok := decode(encoded)
		if !ok || rev != revision || !reflect.DeepEqual(got, record) {
			t.Errorf("%s: %v, %v\n%s", name, ok, rev, cmp.Diff(record, got, withoutNotes))
		}
	}
}

// TestEveryFieldIsEncoded fills every field that there is: one that is added and not encoded comes back empty.
func TestEveryFieldIsEncoded(t *testing.T) {
	t.Parallel()
	var record authz.Record
	n := 0
	fill(t, reflect.ValueOf(&record).Elem(), &n)
	encoded, ok := encode(record, revision)
	if !ok {
		t.Fatal("not encoded")
	}
	got, _, ok := decode(encoded)
	if !ok || !reflect.DeepEqual(got, record) {
		t.Error(cmp.Diff(record, got, withoutNotes))
	}
}

// fill puts something different into every field.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(at(int64(*n))))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), n)
			}
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case v.Kind() == reflect.String:
		v.SetString("text " + strconv.Itoa(*n))
	case v.CanInt():
		v.SetInt(int64(*n))
	case v.CanUint():
		v.SetUint(uint64(*n))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a field of type %v: teach this test, and the encoding", v.Type())
	}
}

func TestWhatWouldNotComeBackIsNotEncoded(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]time.Time{
		"finer than a microsecond": at(1).Add(time.Nanosecond),
		"another zone":             at(1).In(time.FixedZone("", 3600)),
		"a monotonic reading":      time.Now().Truncate(time.Microsecond),
		"zero, elsewhere":          time.Time{}.In(time.FixedZone("", 3600)),
		"too far away":             time.Unix(1<<60, 0).UTC(),
	} {
		if _, ok := encode(authz.Record{Session: &authz.Session{ExpiresAt: bad}}, revision); ok {
			t.Errorf("%s: %v was encoded", name, bad)
		}
	}
}

// TestWhatIsNoEncodingIsRefused cuts every example short, adds to it, and spells it in other ways.
func TestWhatIsNoEncodingIsRefused(t *testing.T) {
	t.Parallel()
	refused := func(name string, b []byte) {
		t.Helper()
		if record, _, ok := decode(b); ok {
			t.Errorf("%s: %x is read as %+v", name, b, record)
		}
	}
	for name, record := range examples {
		encoded, _ := encode(record, revision)
		for n := range encoded {
			refused(name+", cut short", encoded[:n])
		}
		refused(name+", longer", append(encoded, 0))
	}
	nothing, _ := encode(authz.Record{}, revision)
	flags := len(nothing) - 4 // key, session, and the lengths of the parent and the projects
	for name, tail := range map[string]string{
		"a flag of 2":                "\x02\x00\x00\x00",
		"a length of too many bytes": "\x00\x00\x80\x00\x00",
		"a length beyond the end":    "\x00\x00\xff\xff\xff\xff\x0f\x00",
		"a length beyond all":        "\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00",
		"a list beyond the end":      "\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"never, in microseconds":     "\x01" + string(make([]byte, 7)) + "\x01" + string(make([]byte, 8)) + string(make([]byte, 4)),
		"zero time, in microseconds": "\x00\x01" + string(make([]byte, 32)) + "\x00\x01\x01" + micros(time.Time{}) + "\x00\x00\x00",
	} {
		refused(name, append(bytes.Clone(nothing[:flags]), tail...))
	}
}

func micros(t time.Time) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())))
}

// FuzzDecode checks that whatever can be read is what would be written, so that nothing has two encodings. It begins with
// the examples, and with what is in testdata.
func FuzzDecode(f *testing.F) {
	for _, record := range examples {
		encoded, _ := encode(record, revision)
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		record, rev, ok := decode(b)
		if !ok {
			return
		}
		if again, ok := encode(record, rev); !ok || !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v, which is written as %x, %v", b, record, again, ok)
		}
	})
}
