// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// What is read of deployments by their indexes is what their rows say, whatever is in them.
func TestDeploymentsByIndex(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Fill(3, 5, 40, 10)
	a.Exec("PRAGMA foreign_keys = OFF")
	dir, n := t.TempDir(), 0
	same := func(what string) {
		t.Helper()
		n++
		copied := filepath.Join(dir, fmt.Sprint(n))
		a.Exec("VACUUM INTO $1", copied)
		db, err := sql.Open("sqlite", copied)
		if err == nil {
			_, err = db.Exec("DROP INDEX IF EXISTS deployments_project")
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		want, got := read(t, copied), read(t, a.Path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-by rows +by index):\n%s", what, diff)
		}
		if len(got.Deployments) < 30 {
			t.Fatalf("%s: %d deployments", what, len(got.Deployments))
		}
	}
	same("at first")
	const last = "(SELECT max(rowid) FROM deployments)"
	changes := []string{
		"DELETE FROM deployments WHERE rowid = " + last,
		"INSERT INTO deployments (id, project_id) VALUES ($1, 'fill-s-000001')",
		"UPDATE deployments SET project_id = 'fill-s-000002' WHERE rowid = " + last,
		"UPDATE deployments SET id = $1 WHERE rowid = " + last,
		"UPDATE deployments SET rowid = rowid + 1000 WHERE rowid = " + last,
		"UPDATE deployments SET log_excerpt = $1",
		`UPDATE deployments SET id = 'a","b' WHERE rowid = ` + last,
		`UPDATE deployments SET id = 'a\b' WHERE rowid = ` + last,
		`UPDATE deployments SET project_id = '"]' WHERE rowid = ` + last,
		"UPDATE deployments SET id = 'not/an id' WHERE rowid = " + last,
		"UPDATE deployments SET id = NULL WHERE rowid = " + last,
		"UPDATE deployments SET id = x'00ff' WHERE rowid = " + last,
		"UPDATE deployments SET id = CAST(x'fffe' AS TEXT) WHERE rowid = " + last,
		"UPDATE deployments SET id = char(97, 0, 98) WHERE rowid = " + last,
		"UPDATE deployments SET project_id = '' WHERE rowid = " + last,
		"UPDATE deployments SET project_id = '1,2' WHERE rowid = " + last,
		"UPDATE deployments SET project_id = x'41' WHERE rowid = " + last,
		"VACUUM",
		"REINDEX",
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 120 {
		change := changes[random.IntN(len(changes))]
		if n < len(changes) {
			change = changes[n]
		}
		if a.Exec("SELECT instr($1, '$1')", change) == "0" {
			_, _ = a.Try(change) // an id that is taken
		} else {
			a.Exec(change, fmt.Sprint("new-", n))
		}
		same(change)
		if n%5 == 0 { // a row that takes the number of another, whose id and service may be like those of before
			a.Exec("DELETE FROM deployments WHERE rowid = " + last)
			a.Exec("INSERT INTO deployments (id, project_id) VALUES ($1, 'fill-s-000001')", fmt.Sprint("other-", n))
			same("another in its place")
		}
	}
	a.Exec("DELETE FROM deployments")
	if r := read(t, a.Path); len(r.Deployments)+len(r.Refused) > 0 {
		t.Error("there are some, where there are none")
	}
}
