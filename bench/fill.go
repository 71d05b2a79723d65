// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
)

// A loader puts a world into a database, past the service, which would take hours for a million keys. The triggers are away
// meanwhile: the history would tell of changes that nobody asks for.
type loader struct {
	*sql.DB
	down, up []string           // statements that take the triggers away, and put them back
	insert   func(table) string // the statement that takes a row of a table
	flush    bool               // what was inserted is sent off by the statement without a row
}

// fillSQLite makes the embedded database in dir and puts a world into it.
func fillSQLite(t testing.TB, dir string, w *world) {
	t.Helper()
	if _, _, err := sqlite.Migrate(t.Context(), sqlite.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	l := loader{DB: openDB(t, "sqlite", "file:"+filepath.Join(dir, "authz.db")+"?_pragma=synchronous(OFF)&_pragma=cache_size(-500000)")}
	defer l.Close()
	for _, trigger := range twoColumns(t, l.DB, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'") {
		l.down, l.up = append(l.down, "DROP TRIGGER "+trigger[0]), append(l.up, trigger[1])
	}
	l.insert = func(into table) string {
		return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", into.name, strings.Join(into.columns, ", "),
			strings.Repeat(", ?", len(into.columns)-1))
	}
	l.fill(t, w)
}

// fillPostgres makes the tables in a database and puts a world into them.
func fillPostgres(t testing.TB, dsn string, w *world) {
	t.Helper()
	if _, _, err := postgres.Migrate(t.Context(), postgres.Config{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	l := loader{DB: openDB(t, "postgres", dsn), flush: true}
	defer l.Close()
	const triggers = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
	for _, trigger := range twoColumns(t, l.DB, triggers) {
		alter := "ALTER TABLE " + trigger[0] + " %s TRIGGER " + trigger[1]
		l.down = append(l.down, fmt.Sprintf(alter, "DISABLE"))
		l.up = append(l.up, fmt.Sprintf(alter, "ENABLE ALWAYS"))
	}
	l.up = append(l.up, "ANALYZE")
	l.insert = func(into table) string {
		return fmt.Sprintf("COPY %s (%s) FROM STDIN", into.name, strings.Join(into.columns, ", "))
	}
	l.fill(t, w)
}

func (l *loader) fill(t testing.TB, w *world) {
	t.Helper()
	execute(t, l.DB, l.down...)
	tx, err := l.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, into := range w.tables() {
		if err := l.load(t.Context(), tx, into); err != nil {
			t.Fatalf("%s: %v", into.name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	execute(t, l.DB, l.up...)
}

func (l *loader) load(ctx context.Context, tx *sql.Tx, into table) error {
	s, err := tx.PrepareContext(ctx, l.insert(into))
	if err != nil {
		return err
	}
	defer s.Close()
	unwatched := context.WithoutCancel(ctx) // to watch out for the end would take as long as to insert
	for row := range into.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := s.ExecContext(unwatched, row...); err != nil {
			return err
		}
	}
	if l.flush {
		_, err = s.ExecContext(ctx)
	}
	return err
}
