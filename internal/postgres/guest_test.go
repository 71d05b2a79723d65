// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

// newGuest makes a role that has been granted what a guest needs, in a database that has its tables, and returns its DSN.
func newGuest(t *testing.T, dsn string) (as string) {
	t.Helper()
	name, as := testservers.Postgres(t).NewRole(t, dsn)
	run(t, dsn, must(postgres.Grants(name)))
	return as
}

// migrated returns the DSN of a database that has its tables.
func migrated(t *testing.T) (dsn string) {
	t.Helper()
	dsn = testservers.Postgres(t).NewDatabase(t)
	if _, _, err := postgres.Migrate(t.Context(), postgres.Config{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// What a guest's role is not granted it is refused, statement by statement, and it touches no row of members but its own.
func TestAGuestMayDoNothingElse(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	create(t, s, "key")
	other := fence.MemberID{1}
	if err := s.Members().Join(t.Context(), fence.Member{ID: other, Lease: time.Second, Name: "other"}); err != nil {
		t.Fatal(err)
	}
	db := connect(t, newGuest(t, dsn))
	const others, mine = "'01000000-0000-0000-0000-000000000000'", "'02000000-0000-0000-0000-000000000000'"
	for _, may := range []struct {
		statement string
		rows      int64 // that it touches
	}{
		{"INSERT INTO members (id, lease_ms, protocol, name, beat, applied_seq, applied_tag) VALUES (" + mine + ", 500, 1, '', 0, 0, 0)", 1},
		{"UPDATE members SET applied_seq = 7, applied_tag = 7, beat = random_tag()", 1},
		{"UPDATE members SET applied_seq = 7 WHERE id = " + others, 0},
		{"SELECT leave_members(" + others + ")", 1},
		{"INSERT INTO key_use (key_id, last_used_at) VALUES ('key', 1) ON CONFLICT (key_id) DO UPDATE SET last_used_at = 1", 1},
	} {
		if done, err := db.Exec(may.statement); err != nil || must(done.RowsAffected()) != may.rows {
			t.Errorf("%s: %v, %v", may.statement, done, err)
		}
	}
	for _, statement := range []string{
		"UPDATE keys SET revoked_at = NULL", "UPDATE keys SET access = 2", "UPDATE keys SET expires_at = NULL WHERE FALSE",
		"INSERT INTO keys SELECT * FROM keys", "DELETE FROM keys", "TRUNCATE keys CASCADE",
		"SELECT FROM keys FOR KEY SHARE",
		"UPDATE sessions SET role = 1", "INSERT INTO sessions VALUES (sha256('a'), '', 1, 0)", "DELETE FROM sessions",
		"UPDATE services SET project_id = 'p'", "INSERT INTO services VALUES ('s', 'p')", "DELETE FROM services",
		"UPDATE deployments SET service_id = 's'", "INSERT INTO deployments VALUES ('d', 's')", "DELETE FROM deployments",
		"UPDATE projects SET owner_id = 'eve'", "INSERT INTO projects VALUES ('p', 's', '', '')", "DELETE FROM projects",
		"INSERT INTO key_projects VALUES ('key', 'p')", "DELETE FROM key_projects", "UPDATE key_projects SET key_id = 'key'",
		"SELECT name FROM projects",
		"INSERT INTO change_log VALUES (99, 1, 0, '', TRUE, 0)", "DELETE FROM change_log", "UPDATE change_log SET subject = ''",
		"SELECT log_change(9, '', TRUE)", "SELECT lock_log()", "SELECT finish_change(TRUE)",
		"INSERT INTO members (id, lease_ms, protocol, name, beat, applied_seq, applied_tag, owner) VALUES (" + others + ", 500, 1, '', 0, 0, 0, 'authz')",
		"INSERT INTO members (id, lease_ms, protocol, name, beat, applied_seq, applied_tag) VALUES ('03000000-0000-0000-0000-000000000000', 5001, 1, '', 0, 0, 0)",
		"DELETE FROM members", "DELETE FROM members WHERE id = " + others, "UPDATE members SET owner = 'authz'",
		"UPDATE members SET lease_ms = 5000", "UPDATE members SET id = " + others, "TRUNCATE members",
		"DO $$ BEGIN LOCK TABLE members IN ROW EXCLUSIVE MODE; END $$", "DO $$ BEGIN LOCK TABLE members; END $$", "DO $$ BEGIN LOCK TABLE key_use; END $$", "DO $$ BEGIN LOCK TABLE change_log; END $$",
		"DELETE FROM key_use", "UPDATE key_use SET key_id = 'other'",
		"SELECT FROM audit_events", "INSERT INTO audit_events (at) VALUES (0)", "DELETE FROM audit_events",
		"SELECT FROM requests", "INSERT INTO requests VALUES ('r', '', 'key', 0)", "DELETE FROM requests",
		"UPDATE schema_version SET is_applied = FALSE", "INSERT INTO schema_version (version_id, is_applied) VALUES (99, TRUE)",
		"CREATE TABLE t ()", "CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA s", "DROP TABLE key_use",
		"ALTER TABLE keys DISABLE TRIGGER ALL", "SET session_replication_role = replica", "ALTER TABLE members DISABLE ROW LEVEL SECURITY",
		"DROP POLICY members_are_changed_by_their_owner ON members", "CREATE POLICY p ON members", "SET ROLE " + testservers.Role,
	} {
		_, err := db.Exec(statement)
		if e := pq.As(err); e == nil || e.Code != pqerror.InsufficientPrivilege && e.Code != pqerror.CheckViolation {
			t.Errorf("%s: %v", statement, err)
		}
	}
	slipIn(t, db)
	roll := must(s.Members().List(t.Context(), nil))
	for _, m := range roll.Members {
		if m.ID == other && m.Applied.IsZero() && m.Beat == 0 {
			return
		}
	}
	t.Errorf("the other member is not what it was: %+v", roll.Members)
}

// slipIn makes a table that what runs with the rights of our tables' owner must not find in the place of ours.
func slipIn(t *testing.T, guest *sql.DB) {
	t.Helper()
	conn := must(guest.Conn(t.Context()))
	defer conn.Close()
	var left int
	for _, statement := range []string{
		"CREATE TEMP TABLE members (id UUID, owner NAME)", "INSERT INTO members VALUES (gen_random_uuid(), session_user)",
		"SELECT leave_members(id) FROM members",
	} {
		must(conn.ExecContext(t.Context(), statement))
	}
	if err := conn.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_temp.members").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d rows are left of a table that is not ours, %v", left, err)
	}
}

// A role that is not the owner's and has all rights, as operations.md grants them, removes whoever is dead, a guest among them.
func TestAFullRoleIsNoGuest(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	full, as := testservers.Postgres(t).NewRole(t, dsn)
	for _, what := range []string{"SELECT, INSERT, UPDATE, DELETE ON ALL TABLES", "USAGE ON ALL SEQUENCES", "EXECUTE ON ALL FUNCTIONS"} {
		run(t, dsn, "GRANT "+what+" IN SCHEMA public TO "+full)
	}
	guestDSN := newGuest(t, dsn)
	guest := must(postgres.Open(t.Context(), postgres.Config{DSN: guestDSN, Guest: true}))
	defer guest.Close()
	member := fence.Member{ID: fence.MemberID{1}, Lease: time.Second}
	if err := guest.Members().Join(t.Context(), member); err != nil {
		t.Fatal(err)
	}
	s := must(postgres.Open(t.Context(), postgres.Config{DSN: as}))
	defer s.Close()
	create(t, s, "key")
	if err := guest.Members().Collect(t.Context(), member.ID, 0); err == nil {
		t.Error("a guest removed a member, it says")
	}
	holder := must(connect(t, guestDSN).Begin()) // who holds its own row keeps no round of others waiting
	must(holder.Exec("SELECT FROM members WHERE owner = session_user FOR UPDATE"))
	if err := s.Members().Collect(t.Context(), member.ID, 0); authz.KindOf(err) != authz.FailedPrecondition {
		t.Errorf("a member that holds its row: %v", err)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Members().Collect(t.Context(), member.ID, 0); err != nil {
		t.Error(err)
	}
	if roll := must(s.Members().List(t.Context(), nil)); len(roll.Members) != 0 {
		t.Errorf("%+v", roll.Members)
	}
}

// A role that may do more than a guest is refused, and so is one that may do less; and what is granted is not granted to either.
func TestWhoIsNoGuest(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	admin := testservers.Postgres(t).AdminDSN(name(t, dsn))
	for _, more := range []string{
		"UPDATE ON keys", "INSERT (name) ON keys", "DELETE ON audit_events", "UPDATE ON members", "CREATE ON SCHEMA public", testservers.Role,
	} {
		role, as := testservers.Postgres(t).NewRole(t, dsn)
		run(t, dsn, must(postgres.Grants(role)))
		run(t, admin, "GRANT "+more+" TO "+role)
		refused(t, postgres.Config{DSN: as, Guest: true}, "may do more than a replica in a gateway needs", "migrate role")
	}
	refused(t, postgres.Config{DSN: dsn, Guest: true}, "may do more than a replica in a gateway needs")
	_, nothing := testservers.Postgres(t).NewRole(t, dsn)
	refused(t, postgres.Config{DSN: nothing, Guest: true}, "lacks a privilege")

	db := connect(t, dsn)
	if _, err := db.Exec(must(postgres.Grants(testservers.Role))); err == nil || !strings.Contains(err.Error(), "make one of its own") {
		t.Errorf("the owner was made a guest: %v", err)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "public", "none", "pg_monitor", "a\nb", "a\x00", strings.Repeat("a", 64)} {
		if text, err := postgres.Grants(name); authz.KindOf(err) != authz.Invalid || text != "" {
			t.Errorf("%q: %v", name, err)
		}
	}
	dsn := migrated(t)
	saysOfAllTables(t, dsn)
	odd := fmt.Sprintf(`Edge "1" 'a' \ $$ NAME -- %s`, name(t, dsn)[5:])
	admin := testservers.Postgres(t).AdminDSN(name(t, dsn))
	run(t, admin, "CREATE ROLE "+pq.QuoteIdentifier(odd))
	t.Cleanup(func() { run(t, admin, "DROP OWNED BY "+pq.QuoteIdentifier(odd)+"; DROP ROLE "+pq.QuoteIdentifier(odd)) })
	run(t, dsn, must(postgres.Grants(odd)))
	run(t, dsn, must(postgres.Grants(odd))) // as after a migration
	var may bool
	err := connect(t, dsn).QueryRow("SELECT has_table_privilege($1, 'keys', 'SELECT')", odd).Scan(&may)
	if err != nil || !may {
		t.Errorf("%v, %v", may, err)
	}
}

// saysOfAllTables checks that a guest either may read a table, or is told that it may not.
func saysOfAllTables(t *testing.T, dsn string) {
	t.Helper()
	_, revoked, _ := strings.Cut(must(postgres.Grants("guest")), "REVOKE ALL ON ")
	revoked, _, _ = strings.Cut(revoked, " FROM ")
	known := strings.FieldsFunc(revoked, func(r rune) bool { return strings.ContainsRune(", \n", r) })
	var missing sql.NullString
	err := connect(t, dsn).QueryRow(`SELECT string_agg(relname, ' ') FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> ALL ($1)`, pq.Array(known)).Scan(&missing)
	if err != nil || missing.Valid {
		t.Errorf("nothing is said of %s, %v", missing.String, err)
	}
}
