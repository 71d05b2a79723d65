// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"
	"math"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A Log reads the history of a database. Triggers write it.
type Log struct {
	Queries Querier
	Dialect Dialect
}

const rowColumnList = "seq, tag, kind, subject, narrowing"

// Head returns the newest revision.
func (l Log) Head(ctx context.Context) (authz.Revision, error) {
	rows, err := l.Through(ctx, math.MaxInt64, 1)
	if err == nil && len(rows) == 0 {
		err = emptyLog()
	}
	if err != nil {
		return authz.Revision{}, err
	}
	return rows[0].Revision, nil
}

// Since returns rows from number from on, in order.
func (l Log) Since(ctx context.Context, from int64, limit int) ([]fence.Row, error) {
	return l.rows(ctx, "SELECT "+rowColumnList+" FROM change_log WHERE seq >= $1 ORDER BY seq LIMIT $2", from, limit)
}

// Through returns the rows up to number through, newest first.
func (l Log) Through(ctx context.Context, through int64, limit int) ([]fence.Row, error) {
	return l.rows(ctx, "SELECT "+rowColumnList+" FROM change_log WHERE seq <= $1 ORDER BY seq DESC LIMIT $2", through, limit)
}

func (l Log) rows(ctx context.Context, text string, args ...any) ([]fence.Row, error) {
	rows, err := query(ctx, l.Queries, RowColumns, text, args...)
	return rows, l.Dialect.Classified(err)
}

// RowColumns are the columns of a row of the log: seq, tag, kind, subject and narrowing.
func RowColumns(r *fence.Row) []any {
	return []any{&r.Seq, &r.Tag, subjectKind{&r.Subject.Kind}, subjectID{&r.Subject}, &r.Narrowing}
}

// A subjectKind scans a kind. One that nobody here knows is a later program's.
type subjectKind struct{ k *authz.SubjectKind }

// Scan implements sql.Scanner.
func (k subjectKind) Scan(v any) error {
	var n int64
	if err := zero(&n).Scan(v); err != nil {
		return err
	}
	if *k.k = authz.SubjectKind(n); int64(*k.k) != n {
		*k.k = authz.OfEverything
	}
	return nil
}

// A subjectID scans the id of a subject whose kind has been scanned. What is not known to be about one subject is taken
// to be about all.
type subjectID struct{ s *authz.Subject }

// Scan implements sql.Scanner.
func (id subjectID) Scan(v any) error {
	var text string
	if err := zero(&text).Scan(v); err != nil {
		return err
	}
	switch id.s.Kind {
	case authz.OfKey, authz.OfSession:
		digest, err := hex.DecodeString(text)
		if err != nil || len(digest) != len(authz.Digest{}) {
			*id.s = authz.Subject{Kind: authz.OfEverything}
			return nil
		}
		id.s.ID = string(digest)
	case authz.OfService, authz.OfProject, authz.OfDeployment, authz.OfSlug, authz.OfUser:
		id.s.ID = text
	case authz.OfMark:
	default:
		id.s.Kind = authz.OfEverything
	}
	return nil
}

func emptyLog() error {
	return authz.Errorf(authz.Internal, "the history of changes is empty, which it never is: restore table change_log")
}
