// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"strings"

	"aeroplane.run/authz"
)

// An entry is a record, and what it is of. It does not change.
//
// What a decision needs of it lies together: of a million records most are in no cache of the processor, and each place in memory
// that is looked at then costs as much as all the rest of a look-up.
type entry struct {
	kind   authz.SubjectKind
	digest authz.Digest // what a key or a session is found by
	id     string       // what all others are
	seq    int64        // of the revision that the record was read at
	what   any          // a *authz.KeyRecord, a *authz.Session, or for all others a *authz.Record; nil where nothing is known
}

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
		}{key: inOneString(*r.Key)}
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

// inOneString returns the record of a key with its texts in one string, of which they are parts. As a rule the id is a part of the
// prefix anyway.
func inOneString(k authz.KeyRecord) authz.KeyRecord {
	all := k.Prefix + k.Name + k.UserID
	name, user := len(k.Prefix), len(k.Prefix)+len(k.Name)
	if at := strings.Index(k.Prefix, k.ID); at >= 0 {
		k.ID = all[at:][:len(k.ID)]
	} else {
		k.ID = strings.Clone(k.ID)
	}
	k.Prefix, k.Name, k.UserID = all[:name], all[name:user], all[user:]
	return k
}

func (e *entry) name(s authz.Subject, seq int64) {
	e.kind, e.seq = s.Kind, seq
	if isCredential(s.Kind) {
		copy(e.digest[:], s.ID)
	} else {
		e.id = strings.Clone(s.ID)
	}
}

// is reports whether the entry is about the subject.
func (e *entry) is(kind authz.SubjectKind, id []byte) bool {
	if e.kind != kind {
		return false
	}
	if isCredential(kind) {
		return string(e.digest[:]) == string(id)
	}
	return e.id == string(id)
}

// same reports whether two entries are about one subject.
func (e *entry) same(other *entry) bool {
	return e.kind == other.kind && e.digest == other.digest && e.id == other.id
}

// subject returns the ID of what the entry is about, to be read alone.
func (e *entry) subject() []byte {
	if isCredential(e.kind) {
		return e.digest[:]
	}
	return []byte(e.id)
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
