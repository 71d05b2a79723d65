// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"

	"aeroplane.run/authz"
)

// The statement of a record has the head of the log, which is always there, and what is known of the subject, which may
// not be: one statement, one snapshot. Each finds its rows by an index, so that its cost grows with nothing but what it
// returns.

const (
	keyRecordColumns  = "c.id, c.name, c.prefix, c.user_id, c.access, c.all_projects, c.expires_at, c.revoked_at IS NOT NULL"
	sessionColumnList = "c.user_id, c.role, c.expires_at, c.revoked_at"
)

// selection is the projects that a key selects, joined by commas.
func selection(row string) string {
	return "(SELECT string_agg(p.project_id, ',' ORDER BY p.project_id) FROM key_projects p WHERE p.key_id = " + row + ".id)"
}

// A recordForm is a kind of record: what is selected beside the head, and what its columns are.
type recordForm struct {
	columns string
	join    string
	scan    func(*recordRow) []any
}

// A recordRow is one row of a record's statement. A record of several projects has several.
type recordRow struct {
	head    authz.Revision
	digest  []byte
	key     authz.KeyRecord
	session authz.Session
	parent  string
	project authz.ProjectRef
}

func parentColumn(r *recordRow) []any { return []any{zero(&r.parent)} }
func projectRefColumns(r *recordRow) []any {
	return []any{zero(&r.project.ID), zero(&r.project.OwnerID)}
}

var (
	keyForm = recordForm{"c.digest, " + keyRecordColumns + ", " + selection("c"), "keys c ON c.digest = $1",
		func(r *recordRow) []any {
			k := &r.key
			return []any{&r.digest, zero(&k.ID), zero(&k.Name), zero(&k.Prefix), zero(&k.UserID), zero(&k.Access), zero(&k.Projects.All),
				storedInstant(&k.Expires), zero(&k.Revoked), idList{&k.Projects.IDs}}
		}}
	sessionForm = recordForm{"c.digest, " + sessionColumnList, "sessions c ON c.digest = $1",
		func(r *recordRow) []any { return append([]any{&r.digest}, sessionColumns(&r.session)...) }}
	serviceForm    = recordForm{"c.project_id", "services c ON c.id = $1", parentColumn}
	deploymentForm = recordForm{"c.service_id", "deployments c ON c.id = $1", parentColumn}
	projectForm    = recordForm{"c.id, c.owner_id", "projects c ON c.id = $1", projectRefColumns}
	slugForm       = recordForm{"c.id, c.owner_id", "projects c ON c.slug = $1 AND c.owner_id = $2", projectRefColumns}
	// Two are enough to see that a slug is not unique.
	slugOfAnyForm = recordForm{"c.id, c.owner_id",
		"(SELECT p.id, p.owner_id FROM projects p WHERE p.slug = $1 ORDER BY p.owner_id LIMIT 2) AS c ON TRUE", projectRefColumns}
	userForm = recordForm{"c.id, c.owner_id", "projects c ON c.owner_id = $1", projectRefColumns}
)

func (f recordForm) statement() string {
	return "SELECT h.seq, h.tag, " + f.columns +
		" FROM (SELECT l.seq, l.tag FROM change_log l ORDER BY l.seq DESC LIMIT 1) AS h LEFT JOIN " + f.join
}

// formOf returns how to read what is known of a subject, and the values of the statement. Of what has no form nothing is
// known.
func formOf(s authz.Subject) (f recordForm, args []any, ok bool) {
	switch s.Kind {
	case authz.OfKey:
		return keyForm, []any{[]byte(s.ID)}, true
	case authz.OfSession:
		return sessionForm, []any{[]byte(s.ID)}, true
	case authz.OfService:
		return serviceForm, []any{s.ID}, true
	case authz.OfDeployment:
		return deploymentForm, []any{s.ID}, true
	case authz.OfProject:
		return projectForm, []any{s.ID}, true
	case authz.OfUser:
		return userForm, []any{s.ID}, true
	case authz.OfSlug:
		slug, owner, whoever := s.Slug()
		if whoever {
			return slugOfAnyForm, []any{slug}, true
		}
		return slugForm, []any{slug, owner}, true
	}
	return recordForm{}, nil, false
}

// Record returns what is known of a subject, and the newest revision.
func (s *Store) Record(ctx context.Context, of authz.Subject, fresh bool) (r authz.Record, at authz.Revision, err error) {
	form, args, ok := formOf(of)
	if !ok {
		return authz.Record{}, authz.Revision{}, authz.Errorf(authz.Internal, "there are no records of this kind")
	}
	err = s.do(ctx, func(ctx context.Context) error {
		rows, err := s.queryRecord(ctx, form, args, fresh)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return emptyLog()
		}
		r, at = recordOf(of, rows), rows[0].head
		return nil
	})
	if err != nil {
		return authz.Record{}, authz.Revision{}, err
	}
	return r, at, nil
}

func (s *Store) queryRecord(ctx context.Context, form recordForm, args []any, fresh bool) ([]recordRow, error) {
	dest := func(r *recordRow) []any { return append([]any{&r.head.Seq, &r.head.Tag}, form.scan(r)...) }
	if fresh && s.dialect.Another != nil {
		db := s.dialect.Another()
		defer db.Close()
		return query(ctx, db, dest, form.statement(), args...)
	}
	stmt, err := s.prepared(ctx, form.statement())
	if err != nil {
		return nil, err
	}
	return query(ctx, stmtQuerier{stmt}, dest, "", args...)
}

// prepared returns the statement of a text, and prepares it when it is first needed.
func (s *Store) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := s.statements.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := s.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	first, loaded := s.statements.LoadOrStore(text, stmt)
	if loaded {
		_ = stmt.Close() // somebody was faster
	}
	return first.(*sql.Stmt), nil
}

// recordOf makes a record of the rows of its statement, of which there is at least one.
func recordOf(of authz.Subject, rows []recordRow) (r authz.Record) {
	first := &rows[0]
	switch of.Kind {
	case authz.OfKey, authz.OfSession:
		// The index found the row, but only a comparison in constant time may tell that it is the one.
		want := authz.Digest([]byte(of.ID))
		if len(first.digest) != len(want) || !want.Equal(authz.Digest(first.digest)) {
			return r
		}
		if of.Kind == authz.OfKey {
			r.Key = &first.key
		} else {
			first.session.Digest = want
			r.Session = &first.session
		}
	case authz.OfService, authz.OfDeployment:
		r.Parent = first.parent
	default:
		for i := range rows {
			if p := rows[i].project; p.ID != "" {
				r.Projects = append(r.Projects, p)
			}
		}
	}
	return r
}

func sessionColumns(s *authz.Session) []any {
	return []any{zero(&s.UserID), zero(&s.Role), stored(&s.ExpiresAt), stored(&s.RevokedAt)}
}
