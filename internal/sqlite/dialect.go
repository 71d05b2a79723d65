// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema returns what the tables are to look like.
func schema(db *sql.DB) sqlstore.Schema {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // they are embedded
	}
	return sqlstore.Schema{
		DB: db, Dialect: goose.DialectSQLite3, Migrations: files,
		HasVersion: "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = $1",
	}
}

// There is one connection, and one transaction at a time: nothing to wait for, and nothing to clash with.
var dialect = sqlstore.Dialect{Fault: fault, Begin: begin, Position: "instr"}

// begin begins a transaction. As nobody else writes, what is past the head at its end is its own.
func begin(ctx context.Context, conn *sql.Conn) (sqlstore.Finish, error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	var head int64
	if err := conn.QueryRowContext(ctx, "SELECT max(seq) FROM change_log").Scan(&head); err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ bool) (r authz.Receipt, err error) {
		// One that altered nothing gets a row of its own, and counts as narrowing: it may repeat a call that had no answer.
		if _, err := conn.ExecContext(ctx, `INSERT INTO log_change
			SELECT 0, '', 1 WHERE $1 = (SELECT max(seq) FROM change_log)`, head); err != nil {
			return r, err
		}
		err = conn.QueryRowContext(ctx, `SELECT seq, tag, (SELECT max(narrowing) FROM change_log WHERE seq > $1)
			FROM change_log ORDER BY seq DESC LIMIT 1`, head).Scan(&r.Revision.Seq, &r.Revision.Tag, &r.Narrowing)
		if err != nil {
			return r, err
		}
		_, err = conn.ExecContext(ctx, "COMMIT")
		return r, err
	}, nil
}

// fault classifies an error of the driver by SQLite's result code.
func fault(err error) sqlstore.Fault {
	if errors.Is(err, driver.ErrBadConn) {
		return sqlstore.Unreachable
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlstore.Unforeseen
	}
	switch e.Code() & 0xff { // the rest is detail
	case sqlite3.SQLITE_FULL:
		// It is the error of a write that had no room, and never that of a sync. The page that ends a commit is the last that is written to the
		// log, so it is not there whole, and without it nothing of the transaction counts. Other errors of a write say less of what was written.
		return sqlstore.Full
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, // somebody ignores our lock
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, // the disk
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return sqlstore.Unreachable
	}
	return sqlstore.Unforeseen
}
