// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// StopImmediately ends every process of the server without further ado, as an administrator in a hurry would: the next
// start recovers as after a crash.
func (p *PostgresProcess) StopImmediately(t testing.TB) {
	t.Helper()
	if err := p.process.end(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
}

// KillPostmaster ends, by force, the process that all others of the server come from. They end when they notice.
func (p *PostgresProcess) KillPostmaster(t testing.TB) {
	t.Helper()
	if err := p.process.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.process.done
}

// Configure changes a parameter of the running server, and returns when new sessions have it. An empty value is one, too.
func (s *PostgresServer) Configure(t testing.TB, name, value string) {
	t.Helper()
	// Parameters cannot stand for the text of this statement.
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	err := s.exec("ALTER SYSTEM SET " + name + " = " + quoted)
	if err == nil {
		err = s.exec("SELECT pg_reload_conf()")
	}
	if err == nil {
		err = until(func() (bool, error) {
			var now string
			err := s.query("SELECT current_setting('"+name+"')", &now)
			return now == value, err
		})
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// query reads one value as a superuser, on a connection of its own.
func (s *PostgresServer) query(query string, value any) error {
	db, err := sql.Open("postgres", s.AdminDSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return db.QueryRowContext(ctx, query).Scan(value)
}

// until waits for what another process does.
func until(done func() (bool, error)) error {
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		ok, err := done()
		if ok {
			return nil
		}
		last = err
	}
	if last == nil {
		return fmt.Errorf("it did not happen within %v", patience)
	}
	return fmt.Errorf("it did not happen within %v: %w", patience, last)
}
