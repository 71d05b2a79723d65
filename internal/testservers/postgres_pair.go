// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// PairOptions say how StartPostgresPair starts its servers. The zero PairOptions will do.
type PairOptions struct {
	// Settings are parameters of both, as those of Options are.
	Settings map[string]string
	// Link returns the address by which a standby is to reach a primary, given the primary's own. It is called each time that
	// a standby is made. Nil: the primary's own.
	Link func(primary string) (via string)
}

// A PostgresPair is a primary and a standby, each of which may be stopped, killed and frozen like any other. No commit on
// the primary is confirmed before the standby has it on disk. Its methods are for the test's goroutine.
type PostgresPair struct {
	primary, standby *PostgresProcess
	link             func(string) string
}

// standbyName is what a standby calls itself, and what its primary waits for.
const standbyName = "standby"

// StartPostgresPair starts a primary and its synchronous standby, which end with the test.
func StartPostgresPair(t testing.TB, o PairOptions) *PostgresPair {
	t.Helper()
	settings := map[string]string{
		"wal_keep_size":               "256MB", // for a standby that was cut off
		"wal_retrieve_retry_interval": "100ms",
		"wal_sender_timeout":          "5s",
		"wal_receiver_timeout":        "5s",
	}
	maps.Copy(settings, o.Settings)
	p := &PostgresPair{link: o.Link}
	if p.link == nil {
		p.link = func(primary string) string { return primary }
	}
	p.primary = StartPostgres(t, Options{Settings: settings})
	standby, err := makePostgresProcess(p.primary.bin, p.primary.options, p.copyPrimary)
	if err != nil {
		t.Fatal(err)
	}
	p.standby = standby
	t.Cleanup(live.add(standby.close))
	p.confirm(t)
	return p
}

// Primary returns the server that was made primary last.
func (p *PostgresPair) Primary() *PostgresProcess { return p.primary }

// Standby returns the other one. After Promote it is what became of the former primary, and no standby of anybody.
func (p *PostgresPair) Standby() *PostgresProcess { return p.standby }

// Promote makes the standby the primary, whatever the former primary does, runs on for instance, and returns when it
// accepts changes. It has no standby and waits for none.
func (p *PostgresPair) Promote(t testing.TB) {
	t.Helper()
	if err := p.standby.exec("SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	var recovering bool
	if err := p.standby.query("SELECT pg_is_in_recovery()", &recovering); err != nil || recovering {
		t.Fatalf("the standby was not promoted: %v", err)
	}
	p.primary, p.standby = p.standby, p.primary
}

// Rebuild makes the other server a standby of the primary, from a copy of it, whatever it was before: what it alone had is
// lost. It returns when the primary waits for it.
func (p *PostgresPair) Rebuild(t testing.TB) {
	t.Helper()
	if !p.standby.process.ended() {
		p.standby.StopImmediately(t)
	}
	p.standby.releaseMemory()
	err := os.RemoveAll(p.standby.data())
	if err == nil {
		err = p.copyPrimary(p.standby)
	}
	if err == nil {
		err = p.standby.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.confirm(t)
}

// Detach makes the standby leave the primary, whose commits then wait; Attach brings it back, and returns when the primary
// waits for it.
func (p *PostgresPair) Detach(t testing.TB) {
	t.Helper()
	p.standby.Configure(t, "primary_conninfo", "")
	p.until(t, "the standby to leave", "SELECT NOT EXISTS (SELECT FROM pg_stat_replication)")
}

// Attach undoes Detach.
func (p *PostgresPair) Attach(t testing.TB) {
	t.Helper()
	p.standby.Configure(t, "primary_conninfo", p.conninfo())
	p.AwaitSync(t)
}

// AwaitSync returns when the primary is connected with its standby, and waits for it.
func (p *PostgresPair) AwaitSync(t testing.TB) {
	t.Helper()
	p.until(t, "the standby", "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
}

// confirm makes the primary wait for its standby from here on.
func (p *PostgresPair) confirm(t testing.TB) {
	t.Helper()
	p.primary.Configure(t, "synchronous_standby_names", standbyName)
	p.AwaitSync(t)
}

func (p *PostgresPair) until(t testing.TB, what, query string) {
	t.Helper()
	err := until(func() (done bool, err error) {
		err = p.primary.query(query, &done)
		return done, err
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// copyPrimary fills the data directory of a server with a copy of the primary, as a standby of it.
func (p *PostgresPair) copyPrimary(standby *PostgresProcess) error {
	standby.passwords = p.primary.passwords
	standby.locale = p.primary.locale
	cmd := standby.command("pg_basebackup", "--pgdata", standby.data(), "--dbname", conninfo(p.primary.address),
		"--checkpoint", "fast", "--wal-method", "stream", "--no-sync", "--no-password")
	cmd.Env = append(cmd.Env, "PGPASSWORD="+p.primary.passwords[admin])
	if _, err := os.Stat(cmd.Path); err != nil { // where the server is a link to where it is installed, the rest is there
		server, err := filepath.EvalSymlinks(filepath.Join(standby.bin, "postgres"))
		if err != nil {
			return err
		}
		cmd.Path = filepath.Join(filepath.Dir(server), "pg_basebackup")
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	backup, err := startProcess(cmd)
	if err != nil {
		return err
	}
	if <-backup.done; backup.err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", backup.err, out.Bytes())
	}
	// In place of what ALTER SYSTEM had said on the primary: that it waits for a standby, for one.
	auto := "primary_conninfo = '" + p.conninfo() + "'\n"
	return errors.Join(
		standby.give(filepath.Join(standby.data(), "postgresql.auto.conf"), []byte(auto)),
		standby.give(filepath.Join(standby.data(), "standby.signal"), nil))
}

// conninfo is how the standby connects to the primary.
func (p *PostgresPair) conninfo() string {
	return conninfo(p.link(p.primary.address)) + " password=" + p.primary.passwords[admin]
}

func conninfo(address string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("host=%s port=%s user=%s application_name=%s sslmode=disable connect_timeout=2",
		host, port, admin, standbyName)
}
