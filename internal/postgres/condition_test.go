// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	c := postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t)}
	empty, err := postgres.Examine(t.Context(), c, time.Now)
	if err != nil || empty.Schema.Have != 0 || empty.Members != 0 {
		t.Fatalf("%+v, %v", empty, err)
	}
	if v := must(postgres.Status(t.Context(), c)); v.Have != 0 {
		t.Error("it was migrated")
	}
	s := open(t, c)
	defer s.Close()
	run(t, c.DSN, "INSERT INTO members (id, lease_ms, protocol, name, beat, applied_seq, applied_tag) VALUES (gen_random_uuid(), 4000, 1, 'a', 0, 0, 0)")
	got := must(postgres.Examine(t.Context(), c, time.Now))
	if got.Server == "" || got.Schema.Have != got.Schema.Need || got.Members != 1 || got.Standbys != "" || got.Receivers != 0 ||
		got.RoundTrip <= 0 || got.Ahead.Abs() > time.Minute || got.Connected < 1 || got.MayConnect < 100 || got.MayConnect > 200 {
		t.Errorf("%+v", got)
	}
	// By a clock that is late, the server's is ahead.
	late := must(postgres.Examine(t.Context(), c, func() time.Time { return time.Now().Add(-time.Hour) }))
	if late.Ahead < 59*time.Minute || late.Ahead > 61*time.Minute {
		t.Errorf("ahead by %v, want an hour", late.Ahead)
	}
	run(t, c.DSN, fmt.Sprintf("ALTER DATABASE %s CONNECTION LIMIT 50", name(t, c.DSN)))
	if got := must(postgres.Examine(t.Context(), c, time.Now)); got.MayConnect != 50 {
		t.Errorf("%d may connect, want 50", got.MayConnect)
	}
	if uses := c.Uses(); uses != 28 {
		t.Errorf("a replica uses %d connections, and docs/operations.md says 28", uses)
	}
}

func TestExamineRefuses(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	u := must(url.Parse(dsn))
	u.User = url.UserPassword(u.User.Username(), "hunter2")
	for _, c := range []struct {
		config postgres.Config
		kind   authz.Kind
		want   string
	}{
		{postgres.Config{DSN: u.String()}, authz.FailedPrecondition, "refuses the user, the password or the database"},
		{postgres.Config{DSN: dsn + "&synchronous_commit=off"}, authz.FailedPrecondition, "synchronous_commit is off"},
		{postgres.Config{DSN: dsn, RequireStandby: true}, authz.FailedPrecondition, "synchronous_standby_names is empty"},
		{postgres.Config{DSN: "postgres://u@127.0.0.1:1/db?sslmode=disable"}, authz.Unavailable, "connect"},
	} {
		_, err := postgres.Examine(t.Context(), c.config, time.Now)
		if authz.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
