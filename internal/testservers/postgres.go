// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
)

// The roles of every server. Role owns the databases and is nothing special; admin is a superuser.
const (
	Role  = "authz"
	admin = "postgres"
)

// A PostgresServer is a server that runs. It may be used by many tests at once.
type PostgresServer struct {
	address   string // host:port
	passwords map[string]string
	locale    string // a clause of CREATE DATABASE
}

func newServer(address string) *PostgresServer {
	return &PostgresServer{address: address, passwords: map[string]string{Role: rand.Text(), admin: rand.Text()}}
}

// Address returns the host and port that the server listens on.
func (s *PostgresServer) Address() string { return s.address }

// DSN returns the connection string of a database, with the role that owns it and its password.
func (s *PostgresServer) DSN(database string) string { return s.dsn(Role, database) }

// AdminDSN returns the connection string of a database for a superuser.
func (s *PostgresServer) AdminDSN(database string) string { return s.dsn(admin, database) }

func (s *PostgresServer) dsn(role, database string) string {
	u := url.URL{Scheme: "postgres", Host: s.address, Path: "/" + database,
		User: url.UserPassword(role, s.passwords[role]), RawQuery: "sslmode=disable"}
	return u.String()
}

// NewDatabase makes an empty database, and returns its DSN. It is dropped when the test ends; connections that are
// still open then fail the test.
//
// It sorts text as people do, where the server can: what compares ids by anything but their bytes shows.
func (s *PostgresServer) NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE DATABASE " + name + " OWNER " + Role + s.locale); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := s.exec("DROP DATABASE " + name) // waits some seconds for connections to go
		if err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	return s.DSN(name)
}

// NewRole makes a role that may log in and has been given nothing, and returns its name, and the DSN of a database for it. It goes
// when the test ends, with what it was given there.
func (s *PostgresServer) NewRole(t testing.TB, dsn string) (name, as string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name, password := "role_"+strings.ToLower(rand.Text()), rand.Text()
	if err := s.exec("CREATE ROLE " + name + " LOGIN PASSWORD '" + password + "'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := s.execIn(strings.TrimPrefix(u.Path, "/"), "DROP OWNED BY "+name)
		if err = errors.Join(err, s.exec("DROP ROLE "+name)); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	u.User = url.UserPassword(name, password)
	return name, u.String()
}

// await returns when the server answers, or p, which runs it, has ended.
func (s *PostgresServer) await(p *process) error {
	err := errors.New("no attempt was made")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		if p.ended() {
			return errors.New("the server ended")
		}
		if err = s.exec("SELECT"); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the server did not answer within %v: %w", patience, err)
}

// prepare makes a new server ready for tests.
func (s *PostgresServer) prepare() error {
	// Random text of letters and digits needs no quoting.
	if err := s.exec("CREATE ROLE " + Role + " LOGIN PASSWORD '" + s.passwords[Role] + "'"); err != nil {
		return err
	}
	locale := " TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
	if s.exec("CREATE DATABASE test_locale"+locale) == nil { // servers before 15, or without ICU, cannot
		s.locale = locale
		return s.exec("DROP DATABASE test_locale")
	}
	return nil
}

// exec runs one statement as a superuser, on a connection of its own.
func (s *PostgresServer) exec(statement string) error { return s.execIn("postgres", statement) }

func (s *PostgresServer) execIn(database, statement string) error {
	db, err := sql.Open("postgres", s.AdminDSN(database))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// shared is the server that the tests of one binary share.
var shared struct {
	once   sync.Once
	server *PostgresServer
	absent bool // there is none to be had
	err    error
}

// Postgres returns the server that the tests of this binary share. The first call starts it.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	if !live.inCharge() {
		t.Fatal("TestMain must call testservers.Main, so that the server is stopped in the end")
	}
	shared.once.Do(func() { shared.server, shared.absent, shared.err = startShared() })
	switch {
	case shared.err != nil:
		t.Fatal(shared.err)
	case shared.absent:
		missing(t, howToGet)
	}
	return shared.server
}

func startShared() (server *PostgresServer, absent bool, err error) {
	bin, err := findPostgres()
	switch {
	case err != nil:
		return nil, false, err
	case bin != "":
		p, err := newPostgresProcess(bin, Options{})
		if err != nil {
			return nil, false, err
		}
		live.add(p.close)
		return p.PostgresServer, false, nil
	case !dockerWorks():
		return nil, true, nil
	}
	server, stop, err := startContainer()
	if err != nil {
		return nil, false, err
	}
	live.add(stop)
	return server, false, nil
}
