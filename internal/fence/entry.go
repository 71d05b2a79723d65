// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"math"
	"strings"

	"aeroplane.run/authz"
)

// An entry is a record, and what it is of. It does not change.
//
// What a decision needs of it lies together: of a million records most are in no cache of the processor, and each place in memory
// that is looked at then costs as much as all the rest of a look-up.
type entry struct {
	short [len(authz.Digest{})]byte // the ID of the subject: that of a credential always has room, and that of others mostly
	size  uint8                     // of that; noRoom: the ID is long
	kind  authz.SubjectKind
	seq   int64   // of the revision that the record was read at
	what  any     // a *authz.KeyRecord, a *authz.Session, or for all others a *authz.Record; nil where nothing is known
	long  *string // an ID that has no room; a pointer, since it is rare and a record more than 208 bytes takes 224
}

const noRoom = math.MaxUint8

// gone is in the place of an entry that was removed, so that searches go on behind it. It is about nothing.
var gone = new(entry)

// newEntry returns the entry of a record. Its strings are copies: they may be small parts of something large.
func newEntry(s authz.Subject, r authz.Record, seq int64) *entry {
	switch {
	case r.Absent():
		e := new(entry)
		e.name(s, seq)
		return e
	case s.Kind == authz.OfKey && r.Key != nil:
		e := &struct {
			entry
			key authz.KeyRecord
		}{key: authz.KeyRecord{Projects: r.Key.Projects, ExpiresAt: r.Key.ExpiresAt, Access: r.Key.Access, Revoked: r.Key.Revoked}}
		inOneString(&e.key, r.Key)
		e.name(s, seq)
		e.what = &e.key
		return &e.entry
	case s.Kind == authz.OfSession && r.Session != nil:
		e := &struct {
			entry
			session authz.Session
		}{session: *r.Session}
		e.name(s, seq)
		e.what = &e.session
		return &e.entry
	}
	e := &struct {
		entry
		record authz.Record
		one    [1]authz.ProjectRef
	}{record: r}
	if len(r.Projects) == 1 {
		copy(e.one[:], r.Projects)
		e.record.Projects = e.one[:]
	}
	e.name(s, seq)
	e.what = &e.record
	return &e.entry
}

// inOneString copies the texts of a key's record so that they are parts of one string. As a rule the id is a part of the prefix anyway.
func inOneString(to, from *authz.KeyRecord) {
	all := from.Prefix + from.Name + from.UserID
	name, user := len(from.Prefix), len(from.Prefix)+len(from.Name)
	to.Prefix, to.Name, to.UserID = all[:name], all[name:user], all[user:]
	if at := strings.Index(from.Prefix, from.ID); at >= 0 {
		to.ID = all[at:][:len(from.ID)]
	} else {
		to.ID = strings.Clone(from.ID)
	}
}

func (e *entry) name(s authz.Subject, seq int64) {
	e.kind, e.seq = s.Kind, seq
	if len(s.ID) <= len(e.short) {
		e.size = uint8(copy(e.short[:], s.ID))
	} else {
		id := strings.Clone(s.ID)
		e.size, e.long = noRoom, &id
	}
}

// is reports whether the entry is about the subject.
func (e *entry) is(kind authz.SubjectKind, id []byte) bool {
	if e.kind != kind {
		return false
	}
	if e.size == noRoom {
		return *e.long == string(id)
	}
	return string(e.short[:e.size]) == string(id)
}

// same reports whether two entries are about one subject.
func (e *entry) same(other *entry) bool {
	if e.kind != other.kind || e.size != other.size || e.short != other.short {
		return false
	}
	return e.size != noRoom || *e.long == *other.long
}

// record returns the record.
func (e *entry) record() authz.Record {
	switch r := e.what.(type) {
	case *authz.KeyRecord:
		return authz.Record{Key: r}
	case *authz.Session:
		return authz.Record{Session: r}
	case *authz.Record:
		return *r
	}
	return authz.Record{}
}
