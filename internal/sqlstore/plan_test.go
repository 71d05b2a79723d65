// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/sqlstore"
	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

// The cost of a record, or of a page of a list by name, must not grow with what is stored: it is found by indexes alone.

func TestSQLiteLooksUpByIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, "sqlite", filepath.Join(dir, "authz.db"))
	for _, s := range sqlstore.RecordStatements() {
		for _, step := range explain(t, db, "EXPLAIN QUERY PLAN ", s) {
			if strings.Contains(step, "SCAN") && !strings.Contains(step, "SCAN l") && !strings.Contains(step, "SCAN h") && !strings.Contains(step, "SCAN c") {
				t.Errorf("%s: %s", s.Name, step)
			}
		}
	}
	for _, s := range sqlstore.ListStatements() {
		// The first step is that of the list. Neither is it sorted, nor does a later page begin with all that came before.
		plan := explain(t, db, "EXPLAIN QUERY PLAN ", s.Statement)
		if !strings.Contains(plan[0], s.Index) || s.Later != strings.Contains(plan[0], "<expr>>?") || slices.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s: %s", s.Name, plan[0])
		}
	}
}

func TestPostgresLooksUpByIndex(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	if _, _, err := postgres.Migrate(t.Context(), postgres.Config{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	db := raw(t, "postgres", dsn)
	// Ten thousand of each, and for every key a selection of one. Many projects share a slug, and many an owner. One user has as many more.
	_, err := db.Exec(`
		INSERT INTO keys SELECT 'k'||i, sha256(i::text::bytea), 'Name '||i, '', 'u'||i%100, 1, i%2=0, i FROM generate_series(1, 10000) i;
		INSERT INTO sessions SELECT sha256(i::text::bytea), 'u'||i%100, 1, i FROM generate_series(1, 10000) i;
		INSERT INTO projects SELECT 'p'||i, 's'||i/100, 'Name '||i, 'u'||i%100 FROM generate_series(1, 10000) i;
		INSERT INTO services SELECT 'v'||i, 'p'||i FROM generate_series(1, 10000) i;
		INSERT INTO deployments SELECT 'd'||i, 'v'||i FROM generate_series(1, 10000) i;
		INSERT INTO key_projects SELECT 'k'||i, 'p'||i FROM generate_series(1, 10000) i;
		INSERT INTO keys SELECT 'm'||i, sha256(('m'||i)::bytea), 'Name '||i, '', 'much', 1, TRUE, i FROM generate_series(1, 10000) i;
		INSERT INTO projects SELECT 'm'||i, 's'||i, 'Name '||i, 'much' FROM generate_series(1, 10000) i;
		ANALYZE`)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sqlstore.RecordStatements() {
		plan := explain(t, db, "EXPLAIN ", s)
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") {
			t.Errorf("%s:\n%s", s.Name, text)
		}
	}
	for _, s := range sqlstore.ListStatements() {
		plan := explain(t, db, "EXPLAIN ", s.Statement)
		later := slices.ContainsFunc(plan, func(step string) bool {
			return strings.Contains(step, "Index Cond") && strings.Contains(step, "lower(name)")
		})
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "Index Scan using "+s.Index+" ") || later != s.Later {
			t.Errorf("%s:\n%s", s.Name, text)
		}
	}
}

func raw(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// explain returns the last column of each row of a plan.
func explain(t *testing.T, db *sql.DB, command string, s sqlstore.Statement) (steps []string) {
	t.Helper()
	rows, err := db.Query(command+s.Text, s.Values...)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	dest := make([]any, len(columns))
	for i := range dest {
		dest[i] = new(any)
	}
	var step string
	dest[len(dest)-1] = &step
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil || len(steps) == 0 {
		t.Fatalf("%s: no plan: %v", s.Name, err)
	}
	t.Logf("%s:\n%s", s.Name, strings.Join(steps, "\n"))
	return steps
}
