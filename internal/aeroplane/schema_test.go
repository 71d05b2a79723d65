// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

func TestWhatMustBeThere(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec(loose)
	for table, columns := range map[string][]string{
		"users": {"id", "role"}, "project_groups": {"id", "owner_user_id", "slug"}, "projects": {"id", "project_group_id"},
		"deployments": {"id", "project_id"}, "auth_sessions": {"id", "user_id", "token_hash", "expires_at"},
		"api_keys":               {"id", "token_hash", "access_level", "project_scope", "created_by_user_id", "created_at", "expires_at", "revoked_at"},
		"api_key_project_scopes": {"api_key_id", "project_id"},
	} {
		for _, column := range columns {
			a.Exec(fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO another", table, column))
			want := fmt.Sprintf("%s has no column %s in table %s: this Aeroplane is older than what aeroplane-authz knows; update Aeroplane, and try again",
				a.Path, column, table)
			refuses(t, a.Path, authz.FailedPrecondition, want)
			a.Exec(fmt.Sprintf("ALTER TABLE %s RENAME COLUMN another TO %s", table, column))
		}
		a.Exec("ALTER TABLE " + table + " RENAME TO another")
		refuses(t, a.Path, authz.FailedPrecondition, "has no table "+table+": this Aeroplane is older")
		a.Exec("ALTER TABLE another RENAME TO " + table)
	}
	read(t, a.Path)
}

// A view in the place of a table may have rows without end.
func TestAViewIsNoTable(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec(loose + "DROP TABLE users; CREATE VIEW users AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT 'u' AS id, 'owner' AS role FROM n")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := aeroplane.Read(ctx, a.Path, time.Now(), nil)
	complaint(t, err, authz.FailedPrecondition, "has no table users")
}

func TestAnotherProgramsDatabase(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec(loose + "DROP TABLE users; DROP TABLE project_groups; DROP TABLE projects; DROP TABLE deployments; DROP TABLE auth_sessions; DROP TABLE api_keys; " +
		"DROP TABLE api_key_project_scopes")
	refuses(t, a.Path, authz.FailedPrecondition, "has none of Aeroplane's tables", "give the path of Aeroplane's deploy.db")
}

func TestWhatMayBeMissing(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec(loose)
	want := []string{`project p of "", slug p, name ""`, `key a A of "", read, all, name "ap_?", prefix "ap_?"`}
	for _, c := range []struct{ kind, table, column string }{
		{"user", "users", "name"}, {"user", "users", "email"}, {"project", "project_groups", "name"}, {"service", "projects", "name"}, {"key", "api_keys", "name"},
		{"key", "api_keys", "token_prefix"}, {"key", "api_keys", "updated_at"}, {"key", "api_keys", "last_used_at"},
	} {
		a.Exec("ALTER TABLE " + c.table + " DROP COLUMN " + c.column)
		want = append(want, fmt.Sprintf("note: %s %s.%s is a column that this Aeroplane does not have, and counts as empty", c.kind, c.table, c.column))
	}
	a.Exec(hashes(`INSERT INTO project_groups (id, slug) VALUES ('p', 'p');
		INSERT INTO api_keys (id, token_hash, access_level, project_scope, created_at) VALUES ('a', '{A}', 'read', 'all', '2026-01-01')`))
	if diff := cmp.Diff(want, text(read(t, a.Path))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Columns and tables that nobody knows are nobody's business, and case is none in SQL.
func TestWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("ALTER TABLE projects ADD COLUMN region; ALTER TABLE api_keys RENAME COLUMN id TO ID; CREATE TABLE teams (id); ALTER TABLE deployments ADD COLUMN n AS (length(id)); " +
		"ALTER TABLE users RENAME COLUMN role TO rank; ALTER TABLE users ADD COLUMN role AS (rank)")
	a.Project("p", "", "p")
	id, _ := a.Key(aeroplanetest.Key{})
	r := read(t, a.Path)
	if len(r.Keys) != 1 || r.Keys[0].ID != id || len(r.Notes) > 0 || !slices.ContainsFunc(r.Projects, func(p authz.Project) bool { return p.ID == "p" }) {
		t.Error(text(r))
	}
}
