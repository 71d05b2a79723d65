// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"aeroplane.run/authz"
)

// A bare is a shard by itself, where every subject belongs.
type bare struct {
	shard
	kept kept
	hash hash
}

func newBare(l limits) *bare {
	b := &bare{hash: newHash()}
	b.kept.init()
	b.init(l, table{in: &b.kept.known}, table{in: &b.kept.absent})
	return b
}

// hashOf returns the hash of a subject, all of which are of the shard 0.
func (b *bare) hashOf(s authz.Subject) uint64 {
	return b.hash.of(s.Kind, []byte(s.ID)) * shardCount
}

func (b *bare) keep(s authz.Subject, r authz.Record, seq int64) {
	b.shard.keep(b.hashOf(s), s, r, seq)
}

func (b *bare) get(s authz.Subject) (r authz.Record, ok bool) {
	if e := b.kept.get(b.hashOf(s), s.Kind, []byte(s.ID)); e != nil {
		e.record(&r)
		return r, true
	}
	return r, false
}

// A shard keeps so many records and no more, what exists apart from what does not.
func TestShardIsBounded(t *testing.T) {
	t.Parallel()
	sh := newBare(limits{known: 3 * shardCount, absent: 2 * shardCount})
	for i := range 10 {
		for range 2 { // the second time takes no more room
			sh.keep(service(fmt.Sprint("known ", i)), authz.Record{Parent: "p"}, 1)
			sh.keep(service(fmt.Sprint("absent ", i)), authz.Record{}, 1)
		}
		if _, ok := sh.get(service(fmt.Sprint("known ", i))); !ok {
			t.Errorf("record %d made way for itself", i)
		}
		if known, absent := sh.size(); known != min(i+1, 3) || absent != min(i+1, 2) {
			t.Errorf("keeps %d and %d of %d, want 3 and 2 at most", known, absent, i+1)
		}
	}
}

// What is kept of a request is the id, and not the request.
func TestShardKeepsNoRequest(t *testing.T) {
	t.Parallel()
	sh := newBare(roomy)
	request := strings.Repeat("x", 8192)
	for i, r := range []authz.Record{{}, {Parent: "p"}} {
		id := request[i*100:][:100+i] // a shorter one has room in the entry
		sh.keep(service(id), r, 1)
		for _, all := range []iter.Seq2[uint64, *entry]{sh.absent.all, sh.known.all} {
			for _, e := range all {
				if l, ok := e.what.(*long); ok && l.id == id && unsafe.StringData(l.id) == unsafe.StringData(id) {
					t.Errorf("%+v: the id is a part of the request", r)
				}
			}
		}
	}
}

// What comes back of a record is what was kept, whatever lies together in memory.
func TestEntriesAreWhole(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	digest := authz.Digest{1, 31: 2}
	for _, c := range []struct {
		of     authz.Subject
		record authz.Record
	}{
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{ID: "abc", Name: "a name", Prefix: "ap_abc", UserID: "ada", Access: authz.Write,
			Projects: authz.ProjectScope{IDs: []string{"p", "q"}}, Expires: authz.InstantOf(at), Revoked: true}}},
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{ID: "elsewhere", Prefix: "ap_abc", Projects: authz.ProjectScope{All: true}}}},
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{ID: "abc", Name: strings.Repeat("n", 55), Prefix: "ap_abc", UserID: "ada"}}},
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{ID: "abc", Name: strings.Repeat("n", 56), Prefix: "ap_abc", UserID: "ada"}}},
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{}}},
		{authz.KeySubject(digest), authz.Record{Key: &authz.KeyRecord{ID: "abc", Projects: authz.ProjectScope{IDs: []string{}}}}},
		{authz.KeySubject(digest), authz.Record{}},
		{authz.SessionSubject(digest), authz.Record{Session: &authz.Session{Digest: digest, UserID: "ada", Role: authz.UserRoleOwner, ExpiresAt: at, RevokedAt: at}}},
		{service("s"), authz.Record{Parent: "p"}},
		{service("s"), authz.Record{Parent: strings.Repeat("p", 48)}},
		{service("s"), authz.Record{Parent: strings.Repeat("p", 49)}},
		{service("s"), authz.Record{Parent: strings.Repeat("p", 300)}},
		{service(""), authz.Record{}},
		{service(strings.Repeat("s", 32)), authz.Record{Parent: "p"}},
		{service(strings.Repeat("s", 33)), authz.Record{Parent: "p"}},
		{service(strings.Repeat("s", 300)), authz.Record{Parent: "p"}},
		{authz.Subject{Kind: authz.OfProject, ID: "p"}, authz.Record{Projects: []authz.ProjectRef{{ID: "p", OwnerID: "ada"}}}},
		{authz.Subject{Kind: authz.OfProject, ID: "p"}, authz.Record{Projects: []authz.ProjectRef{{ID: "p", OwnerID: strings.Repeat("a", 71)}}}},
		{authz.Subject{Kind: authz.OfProject, ID: "p"}, authz.Record{Projects: []authz.ProjectRef{{ID: "p", OwnerID: strings.Repeat("a", 72)}}}},
		{authz.Subject{Kind: authz.OfUser, ID: ""}, authz.Record{Projects: []authz.ProjectRef{{ID: "p"}, {ID: "q"}}}},
	} {
		e := newEntry(c.of, c.record, 7)
		var got authz.Record
		if e.record(&got); !reflect.DeepEqual(got, c.record) || e.seq != 7 || !e.is(c.of.Kind, []byte(c.of.ID)) {
			t.Errorf("%v: %+v, want %+v", c.of, got, c.record)
		}
		for _, other := range []authz.Subject{service("another"), authz.KeySubject(authz.Digest{3}), authz.SessionSubject(authz.Digest{3}), {Kind: c.of.Kind, ID: c.of.ID + "x"}} {
			if e.is(other.Kind, []byte(other.ID)) || e.same(newEntry(other, authz.Record{}, 7)) && other.Kind != authz.OfKey && other.Kind != authz.OfSession {
				t.Errorf("%v is taken for %v", c.of, other)
			}
		}
	}
}

// Entries take whole lines of a processor's cache, of 64 bytes, and Go has a size for each that is as large or a little larger.
func TestEntriesEndWithLines(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ size, class uintptr }{
		"an entry":  {unsafe.Sizeof(entry{}), 64},
		"a key":     {unsafe.Sizeof(keyEntry{}), 256},
		"a service": {unsafe.Sizeof(parentEntry{}), 128},
		"a project": {unsafe.Sizeof(projectEntry{}), 192},
	} {
		if c.size > c.class || c.size <= c.class-16 {
			t.Errorf("%s has %d bytes, want %d or a few less", what, c.size, c.class)
		}
	}
}

// A subject is known, or known not to exist, or neither; never both.
func TestShardKeepsTheLast(t *testing.T) {
	t.Parallel()
	sh := newBare(roomy)
	x := service("x")
	for i, parent := range []string{"p", "", "q", ""} {
		sh.keep(x, authz.Record{Parent: parent}, int64(i))
		r, ok := sh.get(x)
		known, absent := sh.size()
		if !ok || r.Parent != parent || known+absent != 1 {
			t.Errorf("after %q: %v, %q, %d and %d", parent, ok, r.Parent, known, absent)
		}
	}
}
