// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

// Two projects come to bear a slug at once, which neither knows of the other when it is put. For whoever has no user the slug
// means nothing from then on: the second takes that away, and must be waited for.
func TestTwoThatComeToBearASlugAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn, Migrate: true})
	defer s.Close()
	first := must(connect(t, dsn).Begin())
	defer first.Rollback()
	for _, statement := range []string{"INSERT INTO projects VALUES ('p1', 'x', '', 'ada')", "SELECT finish_change(false)"} {
		if _, err := first.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	second := make(chan authz.Counted)
	go func() {
		defer close(second)
		put, err := s.PutProjects(t.Context(), admin, []authz.Project{{ID: "p2", Slug: "x", OwnerID: "bob"}})
		if err != nil {
			t.Error(err)
		}
		second <- put
	}()
	db := connect(t, dsn)
	until(t, "the second waits for the first", func() (waits bool) {
		if err := db.QueryRow("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted " +
			"AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))").Scan(&waits); err != nil {
			t.Error(err)
		}
		return waits
	})
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	if put := <-second; !put.Narrowing {
		t.Errorf("the second takes nothing away: %+v", put)
	}
}
