// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/testservers"
)

// helperVariable makes this binary, run by itself, start a server and wait to be killed. Its value says how the
// server is then.
const helperVariable = "TESTSERVERS_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(testservers.Main(m)) // not counted: it is going to be killed
	}
	goleak.VerifyTestMain(testservers.Runner{M: m})
}

func TestEachDatabaseIsEmptyAndApart(t *testing.T) {
	server := testservers.Postgres(t)
	for range 2 {
		db := open(t, server.NewDatabase(t))
		run(t, db, "CREATE TABLE note (text text)")
		var n int
		if err := db.QueryRow("SELECT count(*) FROM note").Scan(&n); err != nil || n != 0 {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
	if again := testservers.Postgres(t); again != server {
		t.Error("a second call started a second server")
	}
}

func TestDatabasesSortAsPeopleDo(t *testing.T) {
	db := open(t, testservers.Postgres(t).NewDatabase(t))
	var able, natural bool
	if err := db.QueryRow(`SELECT current_setting('server_version_num')::int >= 150000 AND
		EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i'), 'a' < 'B'`).Scan(&able, &natural); err != nil {
		t.Fatal(err)
	}
	if able && !natural {
		t.Error("capitals come first: a store that sorts by the database's language would not show")
	}
}

func TestThePasswordIsChecked(t *testing.T) {
	dsn, err := url.Parse(testservers.Postgres(t).NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	dsn.User = url.UserPassword(dsn.User.Username(), "wrong")
	if err := open(t, dsn.String()).Ping(); err == nil {
		t.Error("a wrong password was accepted")
	}
}

func TestAKilledServerKeepsWhatItCommitted(t *testing.T) {
	t.Setenv("TMPDIR", publicDir(t))
	server := testservers.StartPostgres(t, testservers.Options{})
	db := open(t, server.AdminDSN("postgres"))
	run(t, db, "CREATE TABLE note (text text)")
	run(t, db, "INSERT INTO note VALUES ('kept')")

	for _, down := range []func(testing.TB){server.Kill, server.Stop} {
		down(t)
		if err := db.Ping(); err == nil {
			t.Fatal("a server that is down answers")
		}
		server.Start(t)
		var text string
		if err := db.QueryRow("SELECT text FROM note").Scan(&text); err != nil || text != "kept" {
			t.Fatalf("%q, %v", text, err)
		}
	}
}

func TestAFrozenServerAnswersOnceItIsWoken(t *testing.T) {
	server := testservers.StartPostgres(t, testservers.Options{})
	db := open(t, server.DSN("postgres"))
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	server.Signal(t, syscall.SIGSTOP)
	answer := make(chan error, 1)
	go func() {
		_, err := db.Exec("SELECT 1") // on the connection that there is: its process must be frozen, too
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Fatalf("a frozen server answered: %v", err)
	case <-time.After(200 * time.Millisecond): // however long: a frozen server never answers
	}
	server.Signal(t, syscall.SIGCONT)
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

func TestSettingsAreApplied(t *testing.T) {
	server := testservers.StartPostgres(t, testservers.Options{Settings: map[string]string{"max_connections": "17"}})
	db := open(t, server.DSN("postgres"))
	for name, want := range map[string]string{"max_connections": "17", "fsync": "on", "synchronous_commit": "on"} {
		var got string
		if err := db.QueryRow("SELECT current_setting($1)", name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestNothingIsLeftInTheDirectory(t *testing.T) {
	dir := publicDir(t)
	t.Setenv("TMPDIR", dir)
	for name, end := range map[string]func(*testservers.PostgresProcess, testing.TB){
		"running": func(*testservers.PostgresProcess, testing.TB) {},
		"stopped": (*testservers.PostgresProcess).Stop,
		"killed":  (*testservers.PostgresProcess).Kill,
		"frozen": func(p *testservers.PostgresProcess, t testing.TB) {
			p.Signal(t, syscall.SIGSTOP)
		},
	} {
		t.Run(name, func(t *testing.T) { end(testservers.StartPostgres(t, testservers.Options{}), t) })
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v are left", name, err, left)
		}
	}
}

// publicDir returns a temporary directory that a server may reach which runs as somebody else.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != filepath.Dir(os.TempDir()) && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
