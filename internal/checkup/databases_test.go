// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/testservers"
)

// onPostgres returns an examination of a database.
func onPostgres(t *testing.T, dsn string, more ...string) *examination {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(u.User.Username()) // as settings have it
	x := with(t, append(more, "postgres-url="+u.String())...)
	x.Config.Postgres = func() (postgres.Config, error) {
		return postgres.Config{DSN: dsn, StatementTimeout: x.Settings.PostgresStatementTimeout, MaxConns: x.Settings.PostgresMaxConns}, nil
	}
	return x
}

func statement(t *testing.T, dsn, text string) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func TestSchemaOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	check := func(want string, more ...string) {
		t.Helper()
		wants(t, checkDatabase(t.Context(), onPostgres(t, dsn, more...)), "ok Postgres", want,
			"ok commits wait for no standby; there is none", "ok no transaction that can be seen", "ok clients may be connected")
	}
	check("ok there is no schema yet")
	check("fault the schema is at version 0", "migrate=false")
	if _, _, err := postgres.Migrate(t.Context(), postgres.Config{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	check("ok as this program needs")
	statement(t, dsn, "DELETE FROM schema_version WHERE version_id = (SELECT max(version_id) FROM schema_version)")
	check("warning the next start brings it up to date")
	check("fault and migrate is false", "migrate=false")
	statement(t, dsn, "INSERT INTO schema_version (version_id, is_applied) VALUES (99, true)")
	check("fault the schema is at version 99")
}

func TestPostgresThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	wrong := *u
	wrong.User = url.UserPassword(u.User.Username(), "hunter2")
	away := *u
	away.Host = "127.0.0.1:1"
	for _, c := range []struct{ dsn, want string }{
		{wrong.String(), "fault refuses the user, the password or the database"},
		{away.String(), "fault connection refused"},
		{dsn + "&synchronous_commit=off", "fault synchronous_commit is off, and must be on"},
	} {
		x := onPostgres(t, c.dsn)
		wants(t, checkDatabase(t.Context(), x), c.want)
		wants(t, checkClock(t.Context(), x), "ok it was not compared", "ok the kernel says")
	}
	// Settings that would send the password anywhere are not followed.
	x := with(t, "postgres-url=postgres://u:hunter2@127.0.0.1:1/db")
	wants(t, checkDatabase(t.Context(), x), "warning because of its settings")
}

// A server that takes connections and says nothing costs no more than the time there is.
func TestPostgresThatHangs(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	dsn := server.NewDatabase(t)
	server.Freeze(t)
	defer server.Thaw(t)
	began := time.Now()
	r := onPostgres(t, dsn).run(checks)
	if r.Faults != 1 || time.Since(began) > 4*limit {
		t.Errorf("%v: %+v", time.Since(began), r)
	}
}

func TestClockOfPostgres(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	for ahead, want := range map[time.Duration]string{
		0:                "ok that of Postgres is",
		time.Minute:      "fault behind that of this machine",
		-time.Minute:     "fault ahead of that of this machine",
		3 * time.Second:  "warning behind that of this machine",
		-3 * time.Second: "warning ahead of that of this machine",
	} {
		x := onPostgres(t, dsn)
		x.Now = func() time.Time { return time.Now().Add(ahead) }
		wants(t, checkClock(t.Context(), x), want, "ok the kernel says")
	}
}

func TestWhatPostgresSays(t *testing.T) {
	t.Parallel()
	x := with(t)
	for _, c := range []struct {
		found postgres.Condition
		want  string
	}{
		{postgres.Condition{}, "ok there is none"},
		{postgres.Condition{Receivers: 2}, "warning although 2 servers or programs receive"},
		{postgres.Condition{Standbys: "FIRST 1 (a)"}, "fault wait for the standbys FIRST 1 (a), and none is connected"},
		{postgres.Condition{Standbys: "a", Receivers: 1}, "ok commits wait for the standbys a"},
	} {
		wants(t, []Finding{x.standbys(c.found)}, c.want)
	}
	wants(t, []Finding{snapshots(postgres.Condition{OldestSnapshot: time.Hour})}, "warning has been open for 1h0m0s")
	wants(t, []Finding{connections(postgres.Condition{MayConnect: 97, Members: 3}, postgres.Config{})}, "ok 97 clients")
	wants(t, []Finding{connections(postgres.Condition{MayConnect: 97, Members: 4}, postgres.Config{})}, "warning and there are 4")
	wants(t, []Finding{connections(postgres.Condition{MayConnect: 20}, postgres.Config{})}, "warning and there are 1")
}

// onRedis returns an examination of a server.
func onRedis(t *testing.T, address, password string) *examination {
	t.Helper()
	x := with(t, "postgres-url=postgres://u@127.0.0.1:1/db", "redis="+address, "redis-password="+password)
	x.Config.Redis = func() (rediscache.Config, error) {
		return rediscache.Config{Addresses: []string{address}, Password: secret.New(password), EntryKeys: []secret.Text{secret.New(strings.Repeat("k", 32))}}, nil
	}
	return x
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"requirepass secret", "maxmemory-policy noeviction"}})
	found := checkRedis(t.Context(), onRedis(t, server.Addr(), "secret"))
	if len(found) != 2 || found[0].Severity == Fault { // it may be slow here
		t.Errorf("%+v", found)
	}
	wants(t, found[1:], "warning nothing bounds what it keeps")
	wants(t, checkRedis(t.Context(), onRedis(t, server.Addr(), "hunter2")), "fault Redis refuses: WRONGPASS")
	server.Stop(t)
	x := onRedis(t, server.Addr(), "hunter2")
	x.running = metrics(map[string]float64{"redis_breaker_open": 1, `redis_reads_total{result="rejected"}`: 2})
	wants(t, checkRedis(t.Context(), x), "warning Redis does not answer", "warning the running service does without it", "warning 2 entries did not open")

	wants(t, []Finding{memory(rediscache.Condition{})}, "ok not for its user to ask")
	wants(t, []Finding{memory(rediscache.Condition{MaxMemory: 64 << 20, Policy: "noeviction"})}, "warning it takes nothing new")
	wants(t, []Finding{memory(rediscache.Condition{MaxMemory: 64 << 20, Policy: "allkeys-lru"})}, "ok it keeps up to 64.0 MiB, by allkeys-lru")
}
