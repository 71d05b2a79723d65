// SPDX-License-Identifier: Apache-2.0

// Package postgres is the Store on Postgres, for any number of processes. What keeps the driver and the server from
// waiting without a bound, or from calling a change done that is not, is here; the statements are those of package
// sqlstore.
//
// A call waits for a connection no longer than its context, and for the server no longer than Config.StatementTimeout
// and a margin, whatever becomes of the server: the server is told to give up, and if it does not answer the connection
// is given up. A change is answered when its commit is on disk, and on the standbys if the server is set to wait for any.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlstore"
)

// Config says what to open. The zero values of all but DSN are useful.
type Config struct {
	// DSN is the connection string, as key=value pairs or as a URL. TLS is asked for with sslmode, sslrootcert, sslcert
	// and sslkey; without any, a connection is encrypted but does not check whom it leads to. What is not named comes
	// from the environment variables of libpq.
	DSN string
	// PasswordFile, if not empty, holds the password. It is read for each new connection, so that it may be replaced.
	PasswordFile string
	// MaxConns bounds the connections. Zero: 16.
	MaxConns int
	// StatementTimeout bounds each statement. Zero: 5 seconds.
	StatementTimeout time.Duration
	// Migrate brings an older schema up to date. Without it such a database is refused.
	Migrate bool
}

const (
	// connLifetime bounds the age of a connection, so that a new password or a new server behind the same name is
	// taken up in time.
	connLifetime = 30 * time.Minute
	// migrationTimeout bounds each statement of a migration, which may have to go through a whole table.
	migrationTimeout = 10 * time.Minute
)

// A Store is the store in one database.
type Store struct{ *sqlstore.Store }

var _ authz.Store = (*Store)(nil)

// Open opens the store in a database. Errors: FailedPrecondition if the DSN is wrong, if the server is set so that it
// would lose what it confirmed, or if the schema is not the one that is needed; Unavailable if the server cannot be
// reached.
func Open(ctx context.Context, c Config) (*Store, error) {
	err := withSchema(ctx, c, func(s sqlstore.Schema) error { return s.Ready(ctx, c.Migrate) })
	if err != nil {
		return nil, err
	}
	conns := cmp.Or(c.MaxConns, 16)
	db, err := connect(c, cmp.Or(c.StatementTimeout, 5*time.Second))
	if err != nil {
		return nil, err
	}
	db.SetConnMaxLifetime(connLifetime)
	return &Store{sqlstore.New(db, conns, dialect)}, nil
}

// Migrate makes the migrations that are missing, and returns the version of the schema before and after. Several
// programs may do so at once.
func Migrate(ctx context.Context, c Config) (from, to int64, err error) {
	err = withSchema(ctx, c, func(s sqlstore.Schema) (err error) {
		from, to, err = s.Migrate(ctx)
		return err
	})
	return from, to, err
}

// Status returns the version of the schema, and changes nothing.
func Status(ctx context.Context, c Config) (v sqlstore.SchemaVersion, err error) {
	err = withSchema(ctx, c, func(s sqlstore.Schema) (err error) {
		v, err = s.Version(ctx)
		return err
	})
	return v, err
}

// withSchema connects for as long as it takes to look after the schema.
func withSchema(ctx context.Context, c Config, do func(sqlstore.Schema) error) error {
	db, err := connect(c, migrationTimeout)
	if err != nil {
		return err
	}
	err = checkServer(ctx, db)
	if err == nil {
		var s sqlstore.Schema
		if s, err = schema(db); err == nil {
			err = do(s)
		}
	}
	return errors.Join(dialect.Classified(err), db.Close())
}

// checkServer refuses a server that would lose what it confirmed, or that cannot hold what is to be stored.
func checkServer(ctx context.Context, db *sql.DB) error {
	var fsync, commit, encoding string
	err := db.QueryRowContext(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('server_encoding')`).Scan(&fsync, &commit, &encoding)
	if e := pq.As(err); e != nil && (e.Code.Class() == "28" || e.Code.Class() == "3D") {
		return authz.Errorf(authz.FailedPrecondition, "Postgres refuses the user, the password or the database").Because(err)
	}
	switch {
	case err != nil:
		return err
	case fsync != "on":
		return refused("fsync", fsync, "on")
	case commit != "on" && commit != "remote_apply":
		return refused("synchronous_commit", commit, "on or remote_apply")
	case encoding != "UTF8":
		return refused("the encoding of the database", encoding, "UTF8")
	}
	return nil
}

func refused(what, is, need string) error {
	return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeUnsafeDatabaseSetting,
		Message: fmt.Sprintf("%s is %s, and must be %s", what, is, need)}
}
