// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"encoding/binary"
	"time"

	"aeroplane.run/authz"
)

// The encoding of a record and its revision is one sequence of fields, in the order of the functions below, and nothing in
// it is optional: for every record there is one text, and a text is that of a record or of nothing. A new field is a new
// version.
//
// Numbers are big-endian; lengths are uvarints of the fewest bytes; a list has its length plus one, or 0 if it is nil; a
// time is 0, or 1 and its microseconds.

// encode returns the encoding, and false for what would not come back as it is: a time that is not UTC, or is finer than
// a microsecond.
func encode(r authz.Record, at authz.Revision) ([]byte, bool) {
	e := encoder{exact: true}
	e.number(at.Seq)
	e.number(at.Tag)
	e.flag(r.Key != nil)
	if r.Key != nil {
		e.key(r.Key)
	}
	e.flag(r.Session != nil)
	if r.Session != nil {
		e.session(r.Session)
	}
	e.text(r.Parent)
	e.length(len(r.Projects), r.Projects == nil)
	for _, p := range r.Projects {
		e.text(p.ID)
		e.text(p.OwnerID)
	}
	return e.b, e.exact
}

type encoder struct {
	b     []byte
	exact bool
}

func (e *encoder) key(k *authz.KeyRecord) {
	e.text(k.ID)
	e.text(k.Name)
	e.text(k.Prefix)
	e.text(k.UserID)
	e.b = append(e.b, byte(k.Access))
	e.flag(k.Projects.All)
	e.length(len(k.Projects.IDs), k.Projects.IDs == nil)
	for _, id := range k.Projects.IDs {
		e.text(id)
	}
	e.instant(k.Expires)
	e.flag(k.Revoked)
}

func (e *encoder) session(s *authz.Session) {
	e.b = append(e.b, s.Digest[:]...)
	e.text(s.UserID)
	e.b = append(e.b, byte(s.Role))
	e.time(s.ExpiresAt)
	e.time(s.RevokedAt)
}

func (e *encoder) number(n int64) { e.b = binary.BigEndian.AppendUint64(e.b, uint64(n)) }

func (e *encoder) flag(set bool) {
	b := byte(0)
	if set {
		b = 1
	}
	e.b = append(e.b, b)
}

func (e *encoder) text(s string) {
	e.b = binary.AppendUvarint(e.b, uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) length(n int, none bool) {
	if none {
		n = -1
	}
	e.b = binary.AppendUvarint(e.b, uint64(n+1))
}

func (e *encoder) time(t time.Time) {
	e.flag(t != time.Time{})
	if t == (time.Time{}) {
		return
	}
	e.number(t.UnixMicro())
	e.exact = e.exact && timeOf(t.UnixMicro()) == t && !t.IsZero() // == compares what Equal would overlook
}

// instant is encoded as the time would be that it stands for.
func (e *encoder) instant(i authz.Instant) {
	e.flag(i != authz.Never)
	if i != authz.Never {
		e.number(int64(i))
	}
}

// timeOf returns a time as stores do.
func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// decode is the inverse of encode. It reports false for what is no encoding.
func decode(b []byte) (r authz.Record, at authz.Revision, ok bool) {
	d := decoder{b: b}
	at.Seq, at.Tag = d.number(), d.number()
	if d.flag() {
		r.Key = d.key()
	}
	if d.flag() {
		r.Session = d.session()
	}
	r.Parent = d.text()
	if n, some := d.length(); some {
		r.Projects = make([]authz.ProjectRef, 0, n)
		for range n {
			r.Projects = append(r.Projects, authz.ProjectRef{ID: d.text(), OwnerID: d.text()})
		}
	}
	if d.bad || len(d.b) > 0 {
		return authz.Record{}, authz.Revision{}, false
	}
	return r, at, true
}

// A decoder takes fields off the front of b. Once bad it returns nothing but zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) key() *authz.KeyRecord {
	k := &authz.KeyRecord{ID: d.text(), Name: d.text(), Prefix: d.text(), UserID: d.text(), Access: authz.Access(d.octet())}
	k.Projects.All = d.flag()
	if n, some := d.length(); some {
		k.Projects.IDs = make([]string, 0, n)
		for range n {
			k.Projects.IDs = append(k.Projects.IDs, d.text())
		}
	}
	k.Expires, k.Revoked = d.instant(), d.flag()
	return k
}

func (d *decoder) session() *authz.Session {
	s := new(authz.Session)
	copy(s.Digest[:], d.take(uint64(len(s.Digest))))
	s.UserID, s.Role = d.text(), authz.UserRole(d.octet())
	s.ExpiresAt, s.RevokedAt = d.time(), d.time()
	return s
}

// take returns the next n bytes, and nothing where there are not so many.
func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	taken := d.b[:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) octet() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) number() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) flag() bool {
	b := d.octet()
	d.bad = d.bad || b > 1
	return b == 1 && !d.bad
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }

// length returns the length of a list, and false for nil. Whatever is in a list takes a byte at least, so no more than
// what can be there is ever made room for.
func (d *decoder) length() (n uint64, some bool) {
	n = d.uvarint()
	if n == 0 || n-1 > uint64(len(d.b)) {
		d.bad = d.bad || n > 0
		return 0, false
	}
	return n - 1, true
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if d.bad || size <= 0 || size > 1 && d.b[size-1] == 0 { // the last: it could be shorter
		d.bad = true
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) instant() authz.Instant {
	if !d.flag() {
		return authz.Never
	}
	i := authz.Instant(d.number())
	d.bad = d.bad || i == authz.Never
	return i
}

func (d *decoder) time() time.Time {
	if !d.flag() {
		return time.Time{}
	}
	t := timeOf(d.number())
	d.bad = d.bad || t.IsZero()
	return t
}
