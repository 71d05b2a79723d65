// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/storetest"
	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	c := postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t)}
	v, err := postgres.Status(t.Context(), c)
	if err != nil || v.Have != 0 || v.Need < 1 {
		t.Fatalf("empty: %+v, %v", v, err)
	}
	refused(t, c, "version 0", "run `aeroplane-authz migrate`")
	for range 2 {
		from, to, err := postgres.Migrate(t.Context(), c)
		if err != nil || from != v.Have || to != v.Need {
			t.Fatalf("migrate: %d to %d, %v", from, to, err)
		}
		v.Have = v.Need
	}
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	run(t, c.DSN, "INSERT INTO schema_version (version_id, is_applied) VALUES (99, true)")
	refused(t, c, "version 99", "upgrade aeroplane-authz")
	c.Migrate = true
	refused(t, c, "version 99", "upgrade aeroplane-authz")
}

func TestReplicasStartAtOnce(t *testing.T) {
	t.Parallel()
	c := postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t)}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { closed(t, open(t, c)) })
	}
	all.Wait()
	if v, err := postgres.Status(t.Context(), c); err != nil || v.Have != v.Need {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestUnsafeServersAreRefused(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	c := postgres.Config{DSN: server.NewDatabase(t) + "&synchronous_commit=off"}
	refused(t, c, "synchronous_commit is off")

	// A single server confirms commits alone, which may be meant or not.
	c = postgres.Config{DSN: server.NewDatabase(t), RequireStandby: true}
	refused(t, c, "synchronous_standby_names is empty")

	// What the database, or a role, is set to does not count: each connection says what it needs.
	c = postgres.Config{DSN: server.NewDatabase(t)}
	run(t, c.DSN, fmt.Sprintf("ALTER DATABASE %s SET synchronous_commit = off", name(t, c.DSN)))
	s := open(t, c)
	defer s.Close()
	create(t, s, "key")
}

func TestAServerThatDoesNotSyncIsRefused(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{Settings: map[string]string{"fsync": "off"}})
	refused(t, postgres.Config{DSN: server.NewDatabase(t)}, "fsync is off, and must be on")
}

// A store that is open finds out with its next connection that the server is not what it was, and when it is again.
func TestAServerThatIsMadeUnsafeIsRefused(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{Settings: map[string]string{"fsync": ""}})
	c := postgres.Config{DSN: server.NewDatabase(t)}
	s := open(t, c)
	defer s.Close()
	set := func(value string) {
		t.Helper()
		run(t, server.AdminDSN("postgres"), "ALTER SYSTEM SET fsync = "+value)
		run(t, server.AdminDSN("postgres"), "SELECT pg_reload_conf()")
		until(t, "the setting", func() (is bool) {
			db := connect(t, server.AdminDSN("postgres")) // a session begins with what the server has
			defer db.Close()
			if err := db.QueryRow("SELECT current_setting('fsync') = $1", value).Scan(&is); err != nil {
				t.Error(err)
			}
			return is
		})
		terminate(t, server.AdminDSN("postgres"), c.DSN)
	}
	const complaint = "fsync is off, and must be on"
	set("off")
	refused(t, c, complaint)
	if err := s.Ping(t.Context()); authz.KindOf(err) != authz.Unavailable || !strings.Contains(err.Error(), complaint) {
		t.Error(err)
	}
	set("on")
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyServerIsRefused(t *testing.T) {
	t.Parallel()
	c := postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t)}
	closed(t, open(t, c))
	run(t, c.DSN, fmt.Sprintf("ALTER DATABASE %s SET default_transaction_read_only = on", name(t, c.DSN)))
	s, err := postgres.Open(t.Context(), c)
	if err == nil {
		closed(t, s)
	}
	if authz.KindOf(err) != authz.Unavailable || !strings.Contains(err.Error(), "read-only") {
		t.Error(err)
	}
}

func TestPasswordFile(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn, err := url.Parse(server.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	role := "role_of_" + name(t, dsn.String())
	run(t, server.AdminDSN("postgres"),
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'first-secret' IN ROLE %s", role, testservers.Role))
	t.Cleanup(func() { run(t, server.AdminDSN("postgres"), "DROP ROLE "+role) })
	dsn.User = url.User(role)
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The database's owner makes the tables, so that the role can be dropped before them.
	migrated := postgres.Config{DSN: server.DSN(strings.TrimPrefix(dsn.Path, "/"))}
	if _, _, err := postgres.Migrate(t.Context(), migrated); err != nil {
		t.Fatal(err)
	}

	c := postgres.Config{DSN: dsn.String(), PasswordFile: file}
	silent := func(err error) {
		t.Helper()
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "secret") {
			t.Error(err)
		}
	}
	_, err = postgres.Open(t.Context(), c)
	silent(err) // no file
	write("wrong-secret")
	_, err = postgres.Open(t.Context(), c)
	silent(err)
	if authz.KindOf(err) != authz.FailedPrecondition {
		t.Error(err)
	}
	write("first-secret\n")
	s := open(t, c)
	defer s.Close()

	// A new password is taken up by the connections that are made from then on.
	run(t, server.AdminDSN("postgres"), fmt.Sprintf("ALTER ROLE %s PASSWORD 'second-secret'", role))
	write("second-secret\n")
	terminate(t, server.AdminDSN("postgres"), dsn.String())
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	write("third-secret\n")
	terminate(t, server.AdminDSN("postgres"), dsn.String())
	err = s.Ping(t.Context())
	silent(err)
	if authz.KindOf(err) != authz.Unavailable {
		t.Error(err)
	}
}

// What the DSN means was read when the store was opened: what it is made of may be gone since.
func TestTheDSNIsReadOnce(t *testing.T) {
	dsn := must(url.Parse(testservers.Postgres(t).NewDatabase(t)))
	password, _ := dsn.User.Password()
	services := filepath.Join(t.TempDir(), "services")
	text := fmt.Sprintf("[authz]\nhost=%s\nport=%s\nuser=%s\npassword=%s\ndbname=%s\nsslmode=disable\n",
		dsn.Hostname(), dsn.Port(), dsn.User.Username(), password, name(t, dsn.String()))
	if err := os.WriteFile(services, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", services)
	t.Setenv("PGSERVICE", "authz")
	s := open(t, postgres.Config{})
	defer s.Close()
	create(t, s, "key")
	if err := os.Remove(services); err != nil {
		t.Fatal(err)
	}
	fresh, _, err := s.Record(t.Context(), authz.KeySubject(newKey("key").Digest), true) // on a connection of its own
	if err != nil || fresh.Key == nil {
		t.Errorf("%+v, %v", fresh, err)
	}
}

func TestAMalformedDSNIsNotShown(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://user:secret@host:secret/db", "postgres://user:sec/secret@host/db", "host=x password='secret", "secret",
		"host=x password=a secret", "host=x sslmode=secret",
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn})
		if authz.KindOf(err) != authz.FailedPrecondition || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

func open(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	c.Migrate, c.MaxConns = true, 8
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t testing.TB, s *postgres.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// refused checks that a database is refused with words.
func refused(t *testing.T, c postgres.Config, words ...string) {
	t.Helper()
	s, err := postgres.Open(t.Context(), c)
	if err == nil {
		closed(t, s)
	}
	for _, word := range words {
		if authz.KindOf(err) != authz.FailedPrecondition || !strings.Contains(err.Error(), word) {
			t.Errorf("want FailedPrecondition with %q: %v", word, err)
		}
	}
}

// run runs a statement on a connection of its own.
func run(t *testing.T, dsn, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// name returns the name of the database.
func name(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// terminate ends every connection to a database, and returns when they are gone.
func terminate(t *testing.T, adminDSN, dsn string) {
	t.Helper()
	run(t, adminDSN, "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = $1", name(t, dsn))
}

// What every store's own tests begin with.
var admin, newKey, create = storetest.Admin, storetest.SimpleKey, storetest.Create

// What an operator has to put right is said, and is no server that is away.
func TestAdvice(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	for option, want := range map[string]string{
		"sslmode=require":                          "does not speak TLS",
		"sslmode=verify-full&sslrootcert=/no/such": "/no/such",
		"no_such_setting=1":                        "does not know a setting",
	} {
		refused(t, postgres.Config{DSN: with(t, dsn, option)}, want)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// with returns a DSN with the parameters of a query set, in place of those of the same names.
func with(t testing.TB, dsn, query string) string {
	t.Helper()
	u := must(url.Parse(dsn))
	all := u.Query()
	for name, values := range must(url.ParseQuery(query)) {
		all[name] = values
	}
	u.RawQuery = all.Encode()
	return u.String()
}
