// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"math"
	"strings"
	"sync/atomic"
	"unsafe"

	"aeroplane.run/authz"
)

// An entry is a record, and what it is of, neither of which changes.
//
// What a decision and its answer need of it lies together: of a million records most are in no cache of the processor, and each place
// in memory that is looked at then costs as much as all the rest of a look-up. An entry takes a line of such a cache, 64 bytes, and
// with its record and the texts of that two to four: Go has sizes for those that begin where a line does.
type entry struct {
	short [len(authz.Digest{})]byte // the ID of the subject: that of a credential always has room, and that of others mostly
	what  any                       // a *authz.KeyRecord, *authz.Session, *[]authz.ProjectRef or *parent; nil where nothing is known; or a *long
	seq   int64                     // of the revision that the record was read at
	kind  authz.SubjectKind
	size  uint8 // of short; noRoom: what is a *long
	// left says that the entry is in no table any more, while others may be: see parent.
	left atomic.Bool
}

const noRoom = math.MaxUint8

// long is what an entry has whose ID has no room in it.
type long struct {
	id   string
	what any
}

// An entry with its record, and room for the texts of that. Longer ones lie elsewhere.
type (
	keyEntry struct {
		entry
		key  authz.KeyRecord
		room [64]byte
	}
	sessionEntry struct {
		entry
		session authz.Session
	}
	parentEntry struct {
		entry
		parent parent
		room   [40]byte
	}
	projectEntry struct {
		entry
		all  []authz.ProjectRef
		one  [1]authz.ProjectRef
		room [72]byte
	}
)

// A parent is what a service or a deployment is in.
type parent struct {
	id string
	// entry is the parent's, where a search has found it, until it leaves its table: as good as another search, and nearer. When all
	// tables are emptied at once entries are not told that they leave, but then this one leaves with them.
	entry atomic.Pointer[entry]
}

// gone is in the place of an entry that was removed, so that searches go on behind it. It is about nothing.
var gone = new(entry)

// newEntry returns the entry of a record. The id and the texts are copies: they may be small parts of something large.
func newEntry(s authz.Subject, r authz.Record, seq int64) *entry {
	var e *entry
	switch {
	case r.Absent():
		e = new(entry)
	case r.Key != nil:
		e = newKeyEntry(r.Key)
	case r.Session != nil:
		with := &sessionEntry{session: *r.Session}
		e, with.what = &with.entry, &with.session
	case len(r.Projects) > 0:
		with := &projectEntry{all: r.Projects}
		if len(r.Projects) == 1 {
			id, owner := r.Projects[0].ID, r.Projects[0].OwnerID
			texts := inOne(with.room[:], id, owner)
			with.one[0] = authz.ProjectRef{ID: texts[:len(id)], OwnerID: texts[len(id):]}
			with.all = with.one[:]
		}
		e, with.what = &with.entry, &with.all
	default:
		with := new(parentEntry)
		with.parent.id = inOne(with.room[:], r.Parent)
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

func newKeyEntry(k *authz.KeyRecord) *entry {
	with := &keyEntry{key: authz.KeyRecord{Expires: k.Expires, Access: k.Access, Revoked: k.Revoked, Projects: sideBySide(k.Projects)}}
	texts := inOne(with.room[:], k.Prefix, k.Name, k.UserID)
	name, user := len(k.Prefix), len(k.Prefix)+len(k.Name)
	to := &with.key
	to.Prefix, to.Name, to.UserID = texts[:name], texts[name:user], texts[user:]
	if at := strings.Index(k.Prefix, k.ID); at >= 0 { // as a rule it is a part of the prefix
		to.ID = texts[at:][:len(k.ID)]
	} else {
		to.ID = strings.Clone(k.ID)
	}
	with.what = to
	return &with.entry
}

// sideBySide returns a scope whose ids lie side by side, and are no parts of anything else.
func sideBySide(s authz.ProjectScope) authz.ProjectScope {
	if s.IDs == nil {
		return s
	}
	texts := strings.Join(s.IDs, "")
	ids := make([]string, len(s.IDs))
	for i, id := range s.IDs {
		ids[i], texts = texts[:len(id)], texts[len(id):]
	}
	return authz.ProjectScope{All: s.All, IDs: ids}
}

// inOne returns texts as one, which lies in the room if there is enough.
func inOne(room []byte, texts ...string) string {
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	if size == 0 || size > len(room) {
		return strings.Join(texts, "")
	}
	end := 0
	for _, t := range texts {
		end += copy(room[end:], t)
	}
	return unsafe.String(&room[0], end)
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

// known returns what is known of the subject, as what has it where the ID has room.
func (e *entry) known() any {
	if e.size == noRoom {
		return e.what.(*long).what
	}
	return e.what
}

// record puts the record into r.
func (e *entry) record(r *authz.Record) {
	*r = authz.Record{}
	switch what := e.known().(type) {
	case *authz.KeyRecord:
		r.Key = what
	case *authz.Session:
		r.Session = what
	case *parent:
		r.Parent = what.id
	case *[]authz.ProjectRef:
		r.Projects = *what
	}
}
