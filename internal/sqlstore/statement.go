// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeroplane.run/authz"
)

// chunk bounds the rows of one statement. Databases bound the values of one, the least of them 32,766.
const chunk = 500

// byRows divides the rows of a statement that may as well be several. SQLite takes time by the square of a statement's values.
func byRows[T any](rows []T, columns int) iter.Seq[[]T] {
	const values = 250
	return slices.Chunk(rows, values/columns)
}

// A Querier is a pool, or a connection.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A stmtQuerier is a statement that was prepared. It takes no text.
type stmtQuerier struct{ *sql.Stmt }

func (q stmtQuerier) QueryContext(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
	return q.Stmt.QueryContext(ctx, args...)
}

// params collects the values of a statement and returns the placeholders that stand for them.
type params []any

func (p *params) bind(v any) string {
	*p = append(*p, v)
	return "$" + strconv.Itoa(len(*p))
}

// row returns the placeholders of one row: ($1, $2).
func (p *params) row(values ...any) string {
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = p.bind(v)
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// rows returns the placeholders of a row for each item: ($1, $2), ($3, $4).
func rows[T any](p *params, items []T, values func(T) []any) string {
	marks := make([]string, len(items))
	for i, item := range items {
		marks[i] = p.row(values(item)...)
	}
	return strings.Join(marks, ", ")
}

// in returns the placeholders of a list: ($1, $2). There must be at least one.
func (p *params) in(values []string) string {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return p.row(all...)
}

// A filter is the WHERE of a list: conditions that must all hold.
type filter struct {
	params
	conditions []string
}

// equal adds that a column has a value.
func (f *filter) equal(column, value string) { f.and(column + " = " + f.bind(value)) }

// narrow adds that a column has a value, unless that is empty.
func (f *filter) narrow(column, value string) {
	if value != "" {
		f.equal(column, value)
	}
}

func (f *filter) and(condition string) { f.conditions = append(f.conditions, condition) }

func (f *filter) where() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.conditions, " AND ")
}

// query returns the rows of a statement, all read, so that the connection is free for the next one. The columns are
// scanned into what dest names.
func query[T any](ctx context.Context, q Querier, dest func(*T) []any, text string, args ...any) ([]T, error) {
	r, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []T
	for r.Next() {
		var row T
		if err := r.Scan(dest(&row)...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, r.Err()
}

// queryOne returns the row of a statement that has at most one; ok is false where there is none.
func queryOne[T any](ctx context.Context, q Querier, dest func(*T) []any, text string,
	args ...any) (row T, ok bool, err error) {
	all, err := query(ctx, q, dest, text, args...)
	if err != nil || len(all) == 0 {
		return row, false, err
	}
	return all[0], true, nil
}

// column scans a single column.
func column[T any](p *T) []any { return []any{p} }

// orZero scans a column that may be NULL, and makes that the zero value.
type orZero[T any] struct{ p *T }

func zero[T any](p *T) orZero[T] { return orZero[T]{p} }

// Scan implements sql.Scanner.
func (o orZero[T]) Scan(v any) error {
	var n sql.Null[T]
	err := n.Scan(v)
	*o.p = n.V
	return err
}

// micros returns a time as it is stored.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// A storedTime scans a time as it is stored, for a field that has it as a T. NULL is the zero T.
type storedTime[T any] struct {
	p  *T
	of func(micros int64) T
}

func stored(p *time.Time) storedTime[time.Time] {
	return storedTime[time.Time]{p, func(micros int64) time.Time { return time.UnixMicro(micros).UTC() }}
}

func storedInstant(p *authz.Instant) storedTime[authz.Instant] {
	return storedTime[authz.Instant]{p, authz.InstantAt}
}

// Scan implements sql.Scanner.
func (s storedTime[T]) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		var none T
		*s.p = none
	case int64:
		*s.p = s.of(v)
	default:
		return fmt.Errorf("a time is stored as %T", v)
	}
	return nil
}
