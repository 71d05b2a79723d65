// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"bytes"
	"database/sql/driver"
	"slices"

	"aeroplane.run/authz"
)

// people are Aeroplane's users.
type people struct {
	roles map[string]authz.UserRole
	rows  int // those too that were refused
}

func (s *scan) readUsers() error {
	s.people.roles = map[string]authz.UserRole{}
	twice := map[string]bool{}
	err := s.each(users, func(v []driver.Value) {
		s.people.rows++
		id, why := idOf(v[0], authz.ValidUserID)
		if why != "" {
			s.refuse("user", shown(v[0]), "its id "+why)
			return
		}
		if _, again := s.people.roles[id]; again {
			twice[id] = true
			return
		}
		s.people.roles[id] = authz.UserRoleUser
		if v[1] == "owner" {
			s.people.roles[id] = authz.UserRoleOwner
		} else if v[1] != "user" {
			s.note("user", id, "its role is neither owner nor user, and counts as user")
		}
	}, "id", "role")
	for _, id := range sortedKeys(twice) {
		s.refuse("user", id, repeated)
		delete(s.people.roles, id)
	}
	return err
}

func (s *scan) readSessions() error {
	var rows []credential[authz.Session]
	err := s.each(sessions, func(v []driver.Value) {
		rows = append(rows, s.session(v))
	}, "id", "user_id", "token_hash", "expires_at")
	s.Sessions = []authz.Session{}
	for _, row := range settle(rows) {
		switch {
		case row.over:
		case row.why != "":
			s.refuse("session", row.shown, row.why)
		default:
			s.Sessions = append(s.Sessions, row.item)
		}
	}
	slices.SortFunc(s.Sessions, func(a, b authz.Session) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
	return err
}

func (s *scan) session(v []driver.Value) credential[authz.Session] {
	row := credential[authz.Session]{shown: shown(v[0])}
	row.id, _ = v[0].(string)
	row.digest, row.hashed = digestOf(v[2])
	expires, ok := instant(v[3])
	if ok && !s.now.Before(expires) {
		row.over = true
		return row
	}
	user, role := "", authz.UserRoleOwner
	if v[1] == nil {
		if s.people.rows > 0 {
			row.why = "is nobody's although there are users: end it, and log in anew"
		}
	} else {
		user, _ = v[1].(string)
		var known bool
		if role, known = s.people.roles[user]; !known {
			row.why = "its user no longer exists, or was refused"
		}
	}
	switch {
	case !row.hashed:
		row.why = badHash
	case !ok:
		row.why = "it cannot be read when it ends: expires_at is no time"
	}
	row.item = authz.Session{Digest: row.digest, UserID: user, Role: role, ExpiresAt: expires}
	return row
}

const badHash = "its hash is no SHA-256 in base64url"

// A credential is a row of a session or key.
type credential[T any] struct {
	item   T
	id     string // empty: it has none that could be another's
	shown  string
	digest authz.Digest
	hashed bool     // it has a digest
	why    string   // it is refused
	over   bool     // it is left out, without a word
	notes  []string // if it is not refused
}

// settle refuses rows that have an id or a digest in common. Those that were refused already, or are left out, count too.
func settle[T any](rows []credential[T]) []credential[T] {
	ids, digests := make(map[string]int, len(rows)), make(map[authz.Digest]int, len(rows))
	for _, r := range rows {
		ids[r.id]++
		if r.hashed {
			digests[r.digest]++
		}
	}
	for i := range rows {
		switch r := &rows[i]; {
		case r.why != "":
		case r.id != "" && ids[r.id] > 1:
			r.why = repeated
		case digests[r.digest] > 1:
			r.why = "shares its hash with another row: nobody knows which is meant"
		}
	}
	return rows
}
