// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"database/sql"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// What an operator types is in the history, whatever it is and however it is set about.
func TestSQLByHandIsLogged(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	db := connect(t, server.AdminDSN(name(t, dsn)))
	run(t, dsn, `INSERT INTO projects VALUES ('p', 'x', '', 'ada'), ('q', 'y', '', '');
		INSERT INTO keys SELECT 'k' || i, sha256(i::text::bytea), '', '', 'ada', 1, i > 2, 0 FROM generate_series(1, 4) i;
		INSERT INTO key_projects VALUES ('k1', 'p'), ('k2', 'p'), ('k2', 'q');
		INSERT INTO services VALUES ('s', 'p'); INSERT INTO deployments VALUES ('d', 's');
		INSERT INTO sessions VALUES (sha256('a'), 'ada', 1, 0)`)
	for _, c := range []struct{ statement, want string }{
		{"UPDATE keys SET revoked_at = 1 WHERE id = 'k3'", "key!"},
		{"UPDATE keys SET revoked_at = 1 WHERE id = 'k3'", ""}, // nothing is another than before
		{"UPDATE keys SET digest = sha256('new') WHERE id = 'k4'", "key! key!"},
		{"UPDATE projects SET name = 'new'", ""},
		{"UPDATE projects SET slug = 'z' WHERE id = 'q'", "project! user! slug! slug! slug! slug!"},
		{"UPDATE key_projects SET key_id = 'k1' WHERE project_id = 'q'", "key! key!"},
		{"UPDATE services SET project_id = 'q'", "service!"},
		{"UPDATE services SET id = 't'", "service! service!"},
		{"DELETE FROM deployments", "deployment!"},
		{"INSERT INTO projects VALUES ('r', 'x', '', 'bob')", "project! user! slug! slug!"}, // x means two projects now
		{"INSERT INTO projects VALUES ('o', 'o', '', 'bob')", "project user slug slug"},
		{"DELETE FROM projects WHERE id = 'p'", "key! key! project! slug! slug! user!"}, // selections lose it
		{"SET session_replication_role = replica; UPDATE sessions SET role = 2; SET session_replication_role = origin", "session!"},
		{"BEGIN; UPDATE sessions SET role = 1; ROLLBACK", ""},
		{"BEGIN; SAVEPOINT a; UPDATE sessions SET role = 1; ROLLBACK TO a; DELETE FROM services; COMMIT", "service!"},
		{"DELETE FROM keys WHERE id = 'k1'", "key!"}, // and its selection
		{"TRUNCATE sessions", "everything!"},
		{"TRUNCATE keys, key_projects", "everything! everything!"},
		{"UPDATE key_use SET last_used_at = 1; DELETE FROM audit_events", ""},
	} {
		head := must(s.History().Head(t.Context()))
		if _, err := db.Exec(c.statement); err != nil {
			t.Fatalf("%s: %v", c.statement, err)
		}
		rows := must(s.History().Since(t.Context(), head.Seq, math.MaxInt32))[1:]
		got := make([]string, len(rows))
		for i, r := range rows {
			got[i] = r.Subject.Kind.String()
			if r.Narrowing {
				got[i] += "!"
			}
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) && !(strings.Contains(c.statement, "TRUNCATE keys") && len(got) == 1) {
			t.Errorf("%s: %v, want %v", c.statement, got, want)
		}
	}
	var tables int // of which each insertion, deletion, update and truncation (4 + 8 + 16 + 32) has a trigger that is never off
	err := db.QueryRow(`SELECT count(*) FROM (SELECT FROM pg_trigger WHERE NOT tgisinternal GROUP BY tgrelid
		HAVING bool_and(tgenabled = 'A') AND bit_or(tgtype & 60) = 60) AS t`).Scan(&tables)
	if err != nil || tables != 6 {
		t.Errorf("%d tables are logged, %v", tables, err)
	}
	if _, err := db.Exec("DELETE FROM change_log; UPDATE projects SET owner_id = 'eve'"); err == nil {
		t.Error("a change was made although there was no history to write it to")
	}
}

// A replica denies what SQL by hand has taken away, as soon as the database says that something has changed.
func TestSQLByHandIsSeen(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	db := open(t, postgres.Config{DSN: dsn})
	s := servertest.Fenced(t, db, nil)
	defer s.Close()
	create(t, db, "key")
	query := authz.Query{Kind: authz.KeyCredential, Digest: newKey("key").Digest}
	if facts, err := authz.FactsFrom(t.Context(), s, query); err != nil || facts.Key == nil || facts.Key.Revoked {
		t.Fatal(facts, err)
	}
	run(t, dsn, "UPDATE keys SET revoked_at = 1")
	until(t, "the change", func() bool {
		facts, err := authz.FactsFrom(t.Context(), s, query)
		return err == nil && facts.Key.Revoked
	})
}

// Numbers come in the order of commits, and a snapshot from before another change cannot append: it would number twice.
func TestAnOldSnapshotCannotAppend(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	db := connect(t, dsn)
	tx := must(db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead}))
	if _, err := tx.Exec("INSERT INTO services VALUES ('late', 'p')"); err != nil { // which takes the snapshot
		t.Fatal(err)
	}
	run(t, dsn, "INSERT INTO services VALUES ('early', 'p')")
	if err := tx.Commit(); err == nil {
		t.Error("a transaction with an older snapshot appended to the history")
	}
	rows := must(s.History().Through(t.Context(), math.MaxInt64, 10))
	if len(rows) != 2 || rows[0].Subject.ID != "early" {
		t.Errorf("%v", rows)
	}
}

// A frozen backend that holds the lock of the history stops changes, for two seconds each, and nothing is answered OK.
func TestWhoeverHoldsTheLogStopsChangesForABoundedTime(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	create(t, s, "key")
	holder := must(connect(t, dsn).Begin())
	defer holder.Rollback()
	must(holder.Exec("SELECT lock_log()"))
	head := must(s.History().Head(t.Context()))
	_, err := s.RevokeKey(t.Context(), admin, "key")
	if authz.KindOf(err) != authz.Unavailable {
		t.Errorf("a change while nobody can append: %v", err)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if now := must(s.History().Head(t.Context())); now != head {
		t.Errorf("%v became %v", head, now)
	}
	if revoked, err := s.RevokeKey(t.Context(), admin, "key"); err != nil || revoked.Already {
		t.Errorf("afterwards: already %v, %v", revoked.Already, err)
	}
}

// A database of the first version, with data, is brought up to date where it is.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	old, err := goose.NewProvider(goose.DialectPostgres, connect(t, dsn), os.DirFS("migrations"),
		goose.WithTableName("schema_version"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	must(old.UpTo(t.Context(), 1))
	k := newKey("key")
	run(t, dsn, "INSERT INTO projects VALUES ('p', 'x', '', 'ada')")
	run(t, dsn, "INSERT INTO keys VALUES ('key', $1, 'old', 'ap_key', 'ada', 2, false, 0)", k.Digest[:])
	run(t, dsn, "INSERT INTO key_projects VALUES ('key', 'p'); INSERT INTO services VALUES ('s', 'p')")

	s := servertest.Fenced(t, open(t, postgres.Config{DSN: dsn}), nil)
	defer s.Close()
	query := authz.Query{Kind: authz.KeyCredential, Digest: k.Digest, Scope: 6, ID: "s"}
	facts, err := authz.FactsFrom(t.Context(), s, query)
	if err != nil || facts.Key == nil || facts.Key.Name != "old" || !slices.Equal(facts.Key.Projects.IDs, []string{"p"}) {
		t.Fatalf("%+v, %v", facts, err)
	}
	revoked, err := s.RevokeKey(t.Context(), admin, "key")
	if err != nil || revoked.Barrier != authz.Acked || revoked.Revision.Seq != 2 {
		t.Errorf("%+v, %v", revoked, err)
	}
	if facts, err := authz.FactsFrom(t.Context(), s, query); err != nil || !facts.Key.Revoked {
		t.Errorf("%+v, %v", facts, err)
	}
}

// What a row says that this program does not know, or cannot read, is about everything.
func TestRowsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	for kind, subject := range map[int]string{8: "anything", 9: "", 200: "x", 1: "not hexadecimal", 5: "0123", -1: "", 300: ""} {
		run(t, dsn, fmt.Sprintf("SELECT log_change(%d, '%s', true)", kind, subject))
	}
	for _, r := range must(s.History().Since(t.Context(), 2, 100)) {
		if (r.Subject != authz.Subject{Kind: authz.OfEverything}) || !r.Narrowing {
			t.Errorf("%+v", r)
		}
	}
}

// Who listens is told when the history grows, also after the connection was lost.
func TestListen(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	looks := make(chan struct{}, 1)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		s.History().Listen(t.Context(), func() {
			select {
			case looks <- struct{}{}:
			default:
			}
		})
	}()
	told := func(what string) {
		t.Helper()
		select {
		case <-looks:
		case <-time.After(patience):
			t.Fatalf("nobody was told of %s", what)
		}
	}
	told("the start")
	listens := "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE 'SELECT 1%'"
	db := connect(t, dsn)
	for round := range 3 {
		until(t, "the listener", func() (is bool) { return db.QueryRow(listens).Scan(&is) == nil && is })
		select {
		case <-looks:
		default:
		}
		run(t, dsn, fmt.Sprintf("INSERT INTO services VALUES ('s%d', 'p')", round))
		told("a change")
		terminate(t, server.AdminDSN("postgres"), dsn)
		told("the loss of the connection")
		db = connect(t, dsn)
	}
	until(t, "the listener", func() (is bool) { return db.QueryRow(listens).Scan(&is) == nil && is })
	before := backends(t, dsn, wakerShows)
	for i := range 200 { // more than are kept until the driver takes them in
		select {
		case <-looks:
		default:
		}
		if _, err := db.Exec("INSERT INTO services VALUES ($1, 'p')", fmt.Sprintf("t%d", i)); err != nil {
			t.Fatal(err)
		}
		told("one change of many")
	}
	if after := backends(t, dsn, "^(LISTEN|SELECT 1)"); !slices.Equal(after, before) {
		t.Errorf("the listener was %v, and is %v", before, after)
	}
}

// A server that ends sessions which ask nothing does not end the listener's, not even while something comes all the time.
func TestTheListenerAsksNowAndThen(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	listen(t, s)
	until(t, "the listener", func() bool { return len(backends(t, dsn, wakerShows)) > 0 })
	db := connect(t, dsn)
	var longest float64
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var silent float64
		err := db.QueryRow(`SELECT max(extract(epoch FROM clock_timestamp() - state_change)), pg_notify('aeroplane_authz_change_log', '')
			FROM pg_stat_activity WHERE datname = current_database() AND query ~ $1`, wakerShows).Scan(&silent, new(any))
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, silent)
	}
	if longest > 4.5 {
		t.Errorf("it asked nothing for %.1f s", longest)
	}
}

// What follows the history reads the rows that it needs and no others, also with plans that are from when the log was short.
func TestAPlanOutlivesAShortLog(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	joined(t, s)
	run(t, dsn, "ALTER TABLE change_log SET (autovacuum_enabled = off); ANALYZE")
	ask := func(times int) {
		t.Helper()
		head := must(s.History().Head(t.Context()))
		for range times {
			must(s.Members().List(t.Context(), []authz.Revision{head}))
			must(s.History().Since(t.Context(), head.Seq, 100))
			must(s.History().Through(t.Context(), head.Seq, 1))
			must(s.Members().Round(t.Context(), member, head, 100))
			if err := s.Members().Ack(t.Context(), member, head); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(10) // a plan is kept after some
	const rows = 50_000
	run(t, dsn, `INSERT INTO change_log (seq, tag, kind, subject, narrowing, at)
		SELECT 1 + i, i, 0, '', false, 0 FROM generate_series(1, $1) i`, rows)
	db := connect(t, dsn)
	read := func() (n int) {
		t.Helper()
		err := db.QueryRow(`SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'change_log')
			FROM pg_stat_user_tables WHERE relname = 'change_log'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := read()
	ask(10)
	closed(t, s) // a backend that ends says what it has read
	until(t, "the backends to end", func() (done bool) {
		err := db.QueryRow("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()").Scan(&done)
		return err == nil && done
	})
	if n := read() - before; n >= rows {
		t.Errorf("%d rows were read", n)
	}
}

func TestOldestSnapshot(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	closed(t, open(t, postgres.Config{DSN: dsn, Migrate: true}))
	tx := must(connect(t, dsn).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead}))
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT FROM keys"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	time.Sleep(100 * time.Millisecond)
	s := open(t, postgres.Config{DSN: dsn}) // which looks at once
	defer s.Close()
	until(t, "the snapshot is seen", func() bool { return s.OldestSnapshot() >= 100*time.Millisecond })
	if age := s.OldestSnapshot(); age > time.Since(begun)+time.Second {
		t.Errorf("%v", age)
	}
}
