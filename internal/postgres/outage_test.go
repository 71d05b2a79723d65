// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// patience is how long a test waits for what another process does, before it fails.
const patience = time.Minute

func TestAServerThatStopsAnswering(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	config := postgres.Config{DSN: server.NewDatabase(t), StatementTimeout: 500 * time.Millisecond, Migrate: true}
	s := open(t, config)
	defer s.Close()
	create(t, s, "key")
	key := authz.KeySubject(newKey("key").Digest)
	read := func(fresh bool) error { _, _, err := s.Record(context.Background(), key, fresh); return err }

	server.Signal(t, syscall.SIGSTOP)
	calls := map[string]func(context.Context) error{
		"record": func(context.Context) error { return read(false) },
		"fresh":  func(context.Context) error { return read(true) },
		"change": func(ctx context.Context) error { _, err := s.RevokeKey(ctx, admin, "key"); return err },
		"ping":   s.Ping,
		"open":   func(ctx context.Context) error { _, err := postgres.Open(ctx, config); return err },
		"status": func(ctx context.Context) error { _, err := postgres.Status(ctx, config); return err },
	}
	var all sync.WaitGroup
	for name, call := range calls {
		all.Go(func() {
			if err := within(t, func() error { return call(context.Background()) }); authz.KindOf(err) != authz.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	server.Signal(t, syscall.SIGCONT)

	until(t, "an answer", func() bool { _, err := s.RevokeKey(t.Context(), admin, "key"); return err == nil })
	if r, _, err := s.Record(t.Context(), key, false); err != nil || r.Key == nil || !r.Key.Revoked {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAServerThatStartsAgain(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	s := open(t, postgres.Config{DSN: server.NewDatabase(t)})
	defer s.Close()
	create(t, s, "key")
	server.Kill(t)
	if err := s.Ping(t.Context()); authz.KindOf(err) != authz.Unavailable {
		t.Error(err)
	}
	server.Start(t)
	if revoked, err := s.RevokeKey(t.Context(), admin, "key"); err != nil || revoked.Already {
		t.Error(revoked.Already, err)
	}
}

func TestConnectionsThatAreTerminatedAreReplaced(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	create(t, s, "key")
	for _, call := range []func() error{
		func() error { return s.Ping(t.Context()) },
		func() error { _, err := s.RevokeKey(t.Context(), admin, "key"); return err },
		func() error {
			_, _, err := s.Record(t.Context(), authz.KeySubject(authz.Digest{}), false)
			return err
		},
	} {
		var all sync.WaitGroup
		for range 8 { // so that every connection is made, and then dead
			all.Go(func() { _ = s.Ping(t.Context()) })
		}
		all.Wait()
		terminate(t, server.AdminDSN("postgres"), dsn)
		if err := call(); err != nil {
			t.Error(err)
		}
	}
}

func TestAWaitForALockIsBounded(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn, StatementTimeout: time.Hour})
	defer s.Close()
	create(t, s, "key")
	db := connect(t, dsn)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("LOCK TABLE keys"); err != nil {
		t.Fatal(err)
	}
	err = within(t, func() error { _, err := s.RevokeKey(context.Background(), admin, "key"); return err })
	if authz.KindOf(err) != authz.Unavailable {
		t.Error(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if revoked, err := s.RevokeKey(t.Context(), admin, "key"); err != nil || revoked.Already {
		t.Error(revoked.Already, err)
	}
}

// Of a change that a full disk has stopped, at its commit or before, it is known that it was not made.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	run(t, dsn, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$`)
	for _, when := range []string{"IMMEDIATE", "DEFERRED"} { // with the statement, and with the commit
		run(t, dsn, "CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON keys DEFERRABLE INITIALLY "+when+" FOR EACH ROW EXECUTE FUNCTION full_disk()")
		_, err := s.CreateKey(t.Context(), admin, newKey(when))
		if e := new(authz.Error); !errors.As(err, &e) || e.Kind != authz.Unavailable || e.Code != authz.CodeDiskFull {
			t.Errorf("%s: %v", when, err)
		}
		run(t, dsn, "DROP TRIGGER full_disk ON keys")
		if _, err := s.CreateKey(t.Context(), admin, newKey(when)); err != nil {
			t.Errorf("%s, again: %v", when, err)
		}
	}
}

func TestAStatementIsBounded(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn, StatementTimeout: 100 * time.Millisecond})
	defer s.Close()
	create(t, s, "key")
	// A table that takes long to read.
	run(t, dsn, `ALTER TABLE keys RENAME TO all_keys;
		CREATE VIEW keys AS SELECT * FROM all_keys WHERE pg_sleep(3600) IS NOT NULL`)
	if err := within(t, func() error { return s.Ping(context.Background()) }); authz.KindOf(err) != authz.Unavailable {
		t.Error(err)
	}
}

// A commit that waits for a standby, and whose wait is cancelled, looks like a success. No standby has it.
func TestACommitThatNoStandbyConfirmedIsNoSuccess(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	dsn := server.NewDatabase(t)
	// Whoever hides warnings hides the only trace. Each of these would, and an upper case is the same setting.
	run(t, server.AdminDSN("postgres"), "ALTER ROLE "+testservers.Role+" SET client_min_messages = 'error'")
	hiding := dsn + "&Client_Min_Messages=error&options=" + url.QueryEscape("-c client_min_messages=error")
	s := open(t, postgres.Config{DSN: hiding, StatementTimeout: time.Hour}) // only the cancelling is to end a wait
	defer s.Close()
	create(t, s, "key")
	create(t, s, "revoked")
	if _, err := s.RevokeKey(t.Context(), admin, "revoked"); err != nil {
		t.Fatal(err)
	}
	db := connect(t, server.AdminDSN(name(t, dsn)))
	standbys(t, db, "missing")

	ctx := context.Background()
	for name, change := range map[string]func() error{
		"first":         func() error { _, err := s.RevokeKey(ctx, admin, "key"); return err },
		"again":         func() error { _, err := s.RevokeKey(ctx, admin, "revoked"); return err },
		"no project":    func() error { _, err := s.DeleteProjects(ctx, admin, []string{"absent"}); return err },
		"no key at all": func() error { _, err := s.RevokeKeysOfUser(ctx, admin, "nobody"); return err },
	} {
		err := within(t, func() error {
			done := make(chan error, 1)
			go func() { done <- change() }()
			cancelWait(t, db, done)
			return <-done
		})
		if authz.KindOf(err) != authz.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}

	standbys(t, db, "")
	if revoked, err := s.RevokeKey(t.Context(), admin, "key"); err != nil || !revoked.Already {
		t.Errorf("repeated: already %v, %v", revoked.Already, err)
	}
}

// Nor is it a membership, the end of one, or a round. A replica of which Postgres shows each round and confirms none has no lease in
// the end. An acknowledgement need not last, and waits for nobody.
func TestAMemberThatNoStandbyConfirmedHasNoLease(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn, StatementTimeout: time.Hour})
	replica := servertest.Fenced(t, s, nil)
	defer replica.Close()
	until(t, "a lease", func() bool { return replica.Ping(t.Context()) == nil })
	db := connect(t, server.AdminDSN(name(t, dsn)))
	standbys(t, db, "missing")
	defer standbys(t, db, "")
	defer cancelWaits(t, db)()

	ctx, members := context.Background(), s.Members()
	a, b, first := fence.MemberID{1}, fence.MemberID{2}, authz.Revision{Seq: 1}
	join := func(id fence.MemberID) error {
		return members.Join(ctx, fence.Member{ID: id, Lease: fence.MaxLease})
	}
	for _, write := range []struct {
		name string
		do   func() error // what it writes is there, but not confirmed
	}{
		{"join", func() error { return join(a) }},
		{"collect", func() error { return members.Collect(ctx, a, 0) }},
		{"another join", func() error { return join(b) }},
		{"round", func() error { _, err := members.Round(ctx, b, first, 10); return err }},
		{"leave", func() error { return members.Leave(ctx, b) }},
	} {
		var known *authz.Error
		if err := within(t, write.do); !errors.As(err, &known) || known.Kind != authz.Unavailable {
			t.Errorf("%s: %v", write.name, err)
		}
	}
	if err := within(t, func() error { return members.Ack(ctx, b, first) }); err != nil {
		t.Errorf("ack: %v", err)
	}
	if t.Failed() {
		return // the lease may never be over
	}
	until(t, "the lease to be over", func() bool { return replica.Ping(t.Context()) != nil })
}

// standbys sets which standbys commits wait for, and returns when they do.
func standbys(t *testing.T, db *sql.DB, names string) {
	t.Helper()
	for _, statement := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = '" + names + "'", "SELECT pg_reload_conf()",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the setting", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := db.ExecContext(ctx, "SELECT pg_logical_emit_message(true, 'test', '')")
			done <- err
		}()
		for {
			select {
			case <-done:
				return names == ""
			default:
			}
			if waits(t, db) {
				cancel()
				<-done
				return names != ""
			}
		}
	})
}

// cancelWait cancels a commit's wait for the standbys, once there is one.
func cancelWait(t *testing.T, db *sql.DB, done chan error) {
	until(t, "a commit that waits", func() bool { return waits(t, db) || len(done) > 0 })
	cancelAll(t, db)
}

// cancelWaits cancels every commit's wait for the standbys, until stop is called.
func cancelWaits(t *testing.T, db *sql.DB) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var cancelling sync.WaitGroup
	cancelling.Go(func() {
		for tick := time.Tick(10 * time.Millisecond); ctx.Err() == nil; <-tick {
			cancelAll(t, db)
		}
	})
	return func() { cancel(); cancelling.Wait() }
}

func cancelAll(t *testing.T, db *sql.DB) {
	if _, err := db.Exec("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"); err != nil {
		t.Error(err)
	}
}

func waits(t *testing.T, db *sql.DB) (waits bool) {
	t.Helper()
	err := db.QueryRow("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&waits)
	if err != nil {
		t.Error(err)
	}
	return waits
}

func connect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// within returns what call returns, and fails if it does not return at all.
func within(t *testing.T, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Error("the call did not return")
		return nil
	}
}

// until waits for what other processes do.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}
