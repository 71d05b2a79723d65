// SPDX-License-Identifier: Apache-2.0

// Package postgres is the Store on Postgres, for any number of processes. What keeps the driver and the server from
// waiting without a bound, or from calling a change done that is not, is here; the statements are those of package
// sqlstore.
//
// A call waits for its turn to use a connection no longer than its context, and for the server no longer than
// Config.StatementTimeout and a margin, whatever becomes of the server: the server is told to give up, and if it does not
// answer the connection is given up. To dial, where a connection must be made first, has a limit of its own.
//
// A change is answered when its commit is on disk, and on the standbys if the server is set to wait for any.
//
// A connection is used only if it leads to this machine or is encrypted, and if the server keeps what it confirms.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/sqlstore"
)

// Config says what to open. The zero values of all but DSN are useful.
type Config struct {
	// DSN is the connection string, as key=value pairs or as a URL. TLS is asked for with sslmode, sslrootcert, sslcert
	// and sslkey; without any, a connection is encrypted but does not check whom it leads to. What is not named comes
	// from the environment variables of libpq.
	DSN string
	// AllowPlaintext allows a connection to another machine that is not encrypted. Without it only a Unix socket and a
	// loopback address are dialled unless sslmode is require, verify-ca or verify-full.
	AllowPlaintext bool
	// PasswordFile, if not empty, holds the password. It is read for each new connection, so that it may be replaced.
	PasswordFile string
	// MaxConns bounds the connections that calls use. Beside them, each read of a record that has to be fresh makes one for
	// itself, and four follow the history. Zero: 16.
	MaxConns int
	// StatementTimeout bounds each statement. Zero: 5 seconds.
	StatementTimeout time.Duration
	// RequireStandby refuses a server that confirms commits without waiting for a standby: whose synchronous_standby_names is
	// empty when a connection is made.
	RequireStandby bool
	// Migrate brings an older schema up to date. Without it such a database is refused.
	Migrate bool
	// Guest says that the role is one to which Grants has been given, and refuses one that may do more: who has the store may be
	// broken into. It reads what decisions need, is a member, and notes uses. Everything else fails.
	Guest bool
}

func (c *Config) timeout() time.Duration { return cmp.Or(c.StatementTimeout, statementTimeout) }

const (
	// connLifetime bounds the age of a connection, so that a new password or a new server behind the same name is
	// taken up in time.
	connLifetime = 30 * time.Minute
	// statementTimeout bounds each statement where Config does not.
	statementTimeout = 5 * time.Second
	// migrationTimeout bounds each statement of a migration, which may have to go through a whole table.
	migrationTimeout = 10 * time.Minute
)

// A Store is the store in one database.
type Store struct {
	*sqlstore.Store
	history *history
}

var _ authz.Store = (*Store)(nil)

// History returns the log of the database's changes.
func (s *Store) History() fence.Log { return s.history }

// Members returns who follows the log.
func (s *Store) Members() fence.Members { return s.history }

// OldestSnapshot returns how old the oldest transaction on the server is that holds a snapshot, as far as we may see others',
// as of some ten seconds ago. Zero: there is none.
func (s *Store) OldestSnapshot() time.Duration { return time.Duration(s.history.oldest.Load()) }

// Close releases the connections.
func (s *Store) Close() error {
	s.history.close()
	return s.Store.Close()
}

// Open opens the store in a database. Errors: FailedPrecondition if the DSN is wrong, if the server is set so that it
// would lose what it confirmed, if what is sent to it could be read on the way, or if the schema is not the one that is
// needed; Unavailable if the server cannot be reached.
func Open(ctx context.Context, c Config) (*Store, error) {
	src, err := read(c)
	if err != nil {
		return nil, err
	}
	db, v, err := look(ctx, src)
	if err != nil {
		return nil, err
	}
	if v.Have < v.Need && c.Migrate {
		_, _, err = migrate(ctx, src)
	} else {
		err = v.Ready()
	}
	if err == nil && c.Guest {
		err = checkGuest(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.SetConnMaxLifetime(connLifetime)
	d := dialect
	d.Another = func() *sql.DB { return src.pool(purpose{timeout: c.timeout()}) }
	return &Store{sqlstore.New(db, cmp.Or(c.MaxConns, 16), d), newHistory(src)}, nil
}

// Migrate makes the migrations that are missing, and returns the version of the schema before and after. Several
// programs may do so at once.
func Migrate(ctx context.Context, c Config) (from, to int64, err error) {
	src, err := read(c)
	if err != nil {
		return 0, 0, err
	}
	v, err := status(ctx, src)
	if err != nil {
		return 0, 0, err
	}
	if v.Have >= v.Need {
		return v.Have, v.Have, v.Ready()
	}
	return migrate(ctx, src)
}

// Status returns the version of the schema, and changes nothing.
func Status(ctx context.Context, c Config) (v sqlstore.SchemaVersion, err error) {
	src, err := read(c)
	if err != nil {
		return v, err
	}
	return status(ctx, src)
}

func status(ctx context.Context, src source) (sqlstore.SchemaVersion, error) {
	db, v, err := look(ctx, src)
	if err != nil {
		return v, err
	}
	return v, db.Close()
}

// Check reports whether the DSN can be one, without connecting. The error does not repeat it.
func Check(c Config) error {
	_, err := read(c)
	return err
}

// look connects, and returns where the schema is. A server that does not answer has as long as any statement.
func look(ctx context.Context, src source) (db *sql.DB, v sqlstore.SchemaVersion, err error) {
	db = src.pool(purpose{timeout: src.timeout()})
	err = db.PingContext(ctx)
	if err == nil {
		var s sqlstore.Schema
		if s, err = schema(db); err == nil {
			v, err = s.Version(ctx)
		}
	}
	if err != nil {
		return nil, v, errors.Join(dialect.Classified(advised(err)), db.Close())
	}
	return db, v, nil
}

// migrate brings the schema up to date, on connections whose statements may take long.
func migrate(ctx context.Context, src source) (from, to int64, err error) {
	db := src.pool(purpose{timeout: migrationTimeout})
	s, err := schema(db)
	if err == nil {
		from, to, err = s.Migrate(ctx)
	}
	return from, to, errors.Join(dialect.Classified(advised(err)), db.Close())
}
