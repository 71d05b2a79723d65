// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

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
var dialect = sqlstore.Dialect{Fault: fault}

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
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, // somebody ignores our lock
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, // the disk
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return sqlstore.Unreachable
	}
	return sqlstore.Unforeseen
}
