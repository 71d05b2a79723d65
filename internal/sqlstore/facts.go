// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A shape is what the text of a look-up depends on. There are a few dozen.
type shape struct {
	session  bool // else a key
	scope    resolver.Scope
	transfer bool // the second project of a transfer is named
}

// Lookup returns the facts that q asks for. It is one prepared statement, and so one snapshot of the database.
func (s *Store) Lookup(ctx context.Context, q authz.Query) (authz.Facts, error) {
	sh := shape{
		session:  q.Kind == authz.SessionCredential,
		scope:    q.Scope,
		transfer: q.Scope == resolver.ServiceTransfer && q.TransferTo != nil,
	}
	args := []any{q.Digest[:]}
	if sh.named() {
		args = append(args, q.ID)
	}
	if sh.transfer {
		args = append(args, *q.TransferTo)
	}
	var facts authz.Facts
	err := s.do(ctx, func(ctx context.Context) error {
		stmt, err := s.lookup(ctx, sh)
		if err != nil {
			return err
		}
		rows, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		facts, err = sh.facts(rows, q.Digest)
		return err
	})
	if err != nil {
		return authz.Facts{}, err
	}
	return facts, nil
}

// lookup returns the statement for a shape, and prepares it when it is first needed.
func (s *Store) lookup(ctx context.Context, sh shape) (*sql.Stmt, error) {
	if stmt, ok := s.lookups.Load(sh); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := s.db.PrepareContext(ctx, sh.statement())
	if err != nil {
		return nil, err
	}
	first, loaded := s.lookups.LoadOrStore(sh, stmt)
	if loaded {
		_ = stmt.Close() // somebody was faster
	}
	return first.(*sql.Stmt), nil
}

// facts reads the rows of the statement. Each holds the credential, or where it is not known NULL, and then projects.
func (sh shape) facts(rows *sql.Rows, want authz.Digest) (f authz.Facts, err error) {
	for rows.Next() {
		var digest []byte
		var key authz.Key
		var session authz.Session
		var projects [2]authz.ProjectFact
		dest := append([]any{&digest}, keyColumns(&key)...)
		if sh.session {
			dest = append([]any{&digest}, sessionColumns(&session)...)
		}
		for i := range sh.projects() {
			p := &projects[i]
			dest = append(dest, zero(&p.ID), zero(&p.OwnerID), zero(&p.Selected))
		}
		if err := rows.Scan(dest...); err != nil {
			return authz.Facts{}, err
		}
		// The index found the row, but only a comparison in constant time may tell that it is the one.
		if len(digest) == len(want) && want.Equal(authz.Digest(digest)) {
			if sh.session {
				session.Digest = want
				f.Session = &session
			} else {
				f.Key = &key
			}
		}
		reached := projects[:]
		if sh.transfer {
			reached = projects[:1]
			if projects[1].ID != "" {
				f.TransferTo = &projects[1]
			}
		}
		for _, p := range reached {
			if p.ID != "" {
				f.Projects = append(f.Projects, p)
			}
		}
	}
	return f, rows.Err()
}

// keyColumns are the columns of keyColumnList, which may be NULL in a look-up.
func keyColumns(k *authz.Key) []any {
	return []any{zero(&k.ID), zero(&k.Name), zero(&k.Prefix), zero(&k.UserID), zero(&k.Access), zero(&k.Projects.All),
		stored{&k.CreatedAt}, stored{&k.ExpiresAt}, stored{&k.RevokedAt}}
}

func sessionColumns(s *authz.Session) []any {
	return []any{zero(&s.UserID), zero(&s.Role), stored{&s.ExpiresAt}, stored{&s.RevokedAt}}
}
