// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"math"
	"strings"
	"unsafe"

	"aeroplane.run/authz"
)

// An entry is a record, and what it is of. It does not change.
//
// What a decision needs of it lies together: of a million records most are in no cache of the processor, and each place in memory
// that is looked at then costs as much as all the rest of a look-up. By itself it takes a line of such a cache, 64 bytes, and with what
// it has most often two or three: Go has sizes for those that begin where a line does.
type entry struct {
	short [len(authz.Digest{})]byte // the ID of the subject: that of a credential always has room, and that of others mostly
	what  any                       // a *authz.KeyRecord, a *authz.Session, a *parent, a *projects; nil where nothing is known; or a *long
	seq   int64                     // of the revision that the record was read at
	kind  authz.SubjectKind
	size  uint8 // of short; noRoom: what is a *long
}

const noRoom = math.MaxUint8

// long is what an entry has whose ID has no room in it.
type long struct {
	id   string
	what any
}

// A parent is a record that names one. The text is in the room if it is short enough.
type parent struct {
	text string
	room [48]byte
}

// projects is a record of projects, and room for one.
type projects struct {
	all []authz.ProjectRef
	one [1]authz.ProjectRef
}

// gone is in the place of an entry that was removed, so that searches go on behind it. It is about nothing.
var gone = new(entry)

// newEntry returns the entry of a record. The id, and the texts of a key, are copies: they may be small parts of something large.
func newEntry(s authz.Subject, r authz.Record, seq int64) *entry {
	var e *entry
	switch {
	case r.Absent():
		e = new(entry)
	case r.Key != nil:
		with := &struct {
			entry
			key authz.KeyRecord
		}{key: authz.KeyRecord{Expires: r.Key.Expires, Access: r.Key.Access, Revoked: r.Key.Revoked, Projects: r.Key.Projects}}
		inOneString(&with.key, r.Key)
		e, with.what = &with.entry, &with.key
	case r.Session != nil:
		with := &struct {
			entry
			session authz.Session
		}{session: *r.Session}
		e, with.what = &with.entry, &with.session
	case len(r.Projects) > 0:
		with := &struct {
			entry
			projects
		}{projects: projects{all: r.Projects}}
		if len(r.Projects) == 1 {
			copy(with.one[:], r.Projects)
			with.all = with.one[:]
		}
		e, with.what = &with.entry, &with.projects
	default:
		with := &struct {
			entry
			parent
		}{parent: parent{text: r.Parent}}
		if len(r.Parent) <= len(with.room) {
			with.text = unsafe.String(&with.room[0], copy(with.room[:], r.Parent))
		}
		e, with.what = &with.entry, &with.parent
	}
	e.kind, e.seq = s.Kind, seq
	if len(s.ID) <= len(e.short) {
		e.size = uint8(copy(e.short[:], s.ID))
	} else {
		e.size, e.what = noRoom, &long{strings.Clone(s.ID), e.what}
	}
	return e
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

// is reports whether the entry is about the subject.
func (e *entry) is(kind authz.SubjectKind, id []byte) bool {
	if e.kind != kind {
		return false
	}
	if e.size == noRoom {
		return e.what.(*long).id == string(id)
	}
	return string(e.short[:e.size]) == string(id)
}

// same reports whether two entries are about one subject.
func (e *entry) same(other *entry) bool {
	if other.size == noRoom {
		return e.is(other.kind, []byte(other.what.(*long).id))
	}
	return e.is(other.kind, other.short[:other.size])
}

// record puts the record into r.
func (e *entry) record(r *authz.Record) {
	*r = authz.Record{}
	what := e.what
	if e.size == noRoom {
		what = what.(*long).what
	}
	switch what := what.(type) {
	case *authz.KeyRecord:
		r.Key = what
	case *authz.Session:
		r.Session = what
	case *parent:
		r.Parent = what.text
	case *projects:
		r.Projects = what.all
	}
}
