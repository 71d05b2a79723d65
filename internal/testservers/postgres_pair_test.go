// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/lib/pq"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/testservers"
)

func TestWhatThePrimaryConfirmedIsOnThePromotedStandby(t *testing.T) {
	t.Setenv("TMPDIR", publicDir(t))
	pair := testservers.StartPostgresPair(t, testservers.PairOptions{})
	first, second := pair.Primary(), pair.Standby()
	run(t, open(t, first.AdminDSN("postgres")), "CREATE TABLE note (text text)")
	run(t, open(t, first.AdminDSN("postgres")), "INSERT INTO note VALUES ('confirmed')")
	first.Kill(t)
	pair.Promote(t)
	if pair.Primary() != second || pair.Standby() != first {
		t.Fatal("the roles are as before")
	}
	mustRead(t, second, "confirmed")
	run(t, open(t, second.AdminDSN("postgres")), "INSERT INTO note VALUES ('later')")
	mustRead(t, second, "confirmed,later")

	pair.Rebuild(t)
	mustRead(t, first, "confirmed,later")
	run(t, open(t, second.AdminDSN("postgres")), "INSERT INTO note VALUES ('again')")
	second.StopImmediately(t)
	pair.Promote(t)
	mustRead(t, first, "again,confirmed,later")
}

func TestAPromotedStandbyAndItsFormerPrimaryBothLive(t *testing.T) {
	pair := testservers.StartPostgresPair(t, testservers.PairOptions{})
	run(t, open(t, pair.Primary().AdminDSN("postgres")), "CREATE TABLE note (text text)")
	pair.Promote(t)
	promoted, zombie := pair.Primary(), pair.Standby()
	run(t, open(t, promoted.AdminDSN("postgres")), "INSERT INTO note VALUES ('new')")
	mustRead(t, promoted, "new")
	mustRead(t, zombie, "")
	mustNotConfirm(t, zombie, "INSERT INTO note VALUES ('old')")
	if !zombie.Running() {
		t.Error("the former primary has ended")
	}
}

func TestNothingIsConfirmedWithoutTheStandby(t *testing.T) {
	var link *faultproxy.Proxy
	pair := testservers.StartPostgresPair(t, testservers.PairOptions{Link: func(primary string) string {
		if link == nil {
			var err error
			if link, err = faultproxy.Listen(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(link.Close)
		}
		link.Point(faultproxy.Route{Target: primary})
		return link.Addr()
	}})
	primary := pair.Primary()
	run(t, open(t, primary.AdminDSN("postgres")), "CREATE TABLE note (text text)")
	for name, fault := range map[string]struct{ on, off func() }{
		"detached":  {func() { pair.Detach(t) }, func() { pair.Attach(t) }},
		"link held": {func() { link.Set(faultproxy.Faults{Hold: faultproxy.Both}) }, link.Clear},
		"link cut":  {func() { link.Set(faultproxy.Faults{Refuse: true}); link.Cut(nil) }, link.Clear},
		"frozen":    {func() { pair.Standby().Freeze(t) }, func() { pair.Standby().Thaw(t) }},
		"killed":    {func() { pair.Standby().Kill(t) }, func() { pair.Standby().Start(t) }},
		"unknown": {func() { primary.Configure(t, "synchronous_standby_names", "nobody") },
			func() { primary.Configure(t, "synchronous_standby_names", "standby") }},
	} {
		t.Run(name, func(t *testing.T) {
			fault.on()
			mustNotConfirm(t, primary, "INSERT INTO note VALUES ('unconfirmed')")
			fault.off()
			pair.AwaitSync(t)
			run(t, open(t, primary.AdminDSN("postgres")), "DELETE FROM note")
		})
	}
}

func TestAPostmasterThatIsKilledTakesTheServerAlong(t *testing.T) {
	server := testservers.StartPostgres(t, testservers.Options{})
	db := open(t, server.AdminDSN("postgres"))
	run(t, db, "CREATE TABLE note (text text)")
	run(t, db, "INSERT INTO note VALUES ('kept')")
	for _, end := range []func(testing.TB){server.KillPostmaster, server.StopImmediately} {
		end(t)
		if server.Running() {
			t.Error("it still runs")
		}
		server.Start(t)
		mustRead(t, server, "kept")
	}
}

func TestConfigureChangesARunningServer(t *testing.T) {
	server := testservers.StartPostgres(t, testservers.Options{})
	for _, value := range []string{"it's me", ""} {
		server.Configure(t, "log_line_prefix", value)
		var got string
		if err := open(t, server.DSN("postgres")).QueryRow("SHOW log_line_prefix").Scan(&got); err != nil || got != value {
			t.Errorf("%q, %v, want %q", got, err, value)
		}
	}
}

// mustRead compares all notes on a server.
func mustRead(t *testing.T, server *testservers.PostgresProcess, want string) {
	t.Helper()
	var got string
	row := open(t, server.AdminDSN("postgres")).QueryRow("SELECT coalesce(string_agg(text, ',' ORDER BY text), '') FROM note")
	err := row.Scan(&got)
	if err != nil || got != want {
		t.Errorf("the notes are %q, %v, want %q", got, err, want)
	}
}

// mustNotConfirm makes a change that must not be confirmed while anybody looks, and then gives up on it.
func mustNotConfirm(t *testing.T, server *testservers.PostgresProcess, statement string) {
	t.Helper()
	warned := false
	connector, err := pq.NewConnector(server.AdminDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(pq.ConnectorWithNoticeHandler(connector, func(*pq.Error) { warned = true }))
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // however long: it never is
	defer cancel()
	// Cancelled, the wait ends like a success, but for a warning: what was changed is there, and no standby has it.
	_, err = db.ExecContext(ctx, statement)
	if err == nil && !warned || err != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("the commit ended before it was given up on: %v", err)
	}
}
