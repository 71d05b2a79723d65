// SPDX-License-Identifier: Apache-2.0

// Package sqlite is the Store on an embedded SQLite database, for a single process. What the database and the process
// promise each other is set here; the statements are those of package sqlstore.
//
// Whoever has the store open has it alone. Two locks see to that: one of ours on a file beside the database, from before
// the first look at it until after the last, and SQLite's own. Both are held also while the process is stopped, and
// both end with it however it ends.
//
// A change that was answered is on disk: every commit is written to the log and synced.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/datadir"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/sqlstore"
)

// The files in the directory.
const (
	databaseFile = "authz.db" // and, while it is open, authz.db-wal
	lockFile     = "authz.lock"
)

// Config says what to open.
type Config struct {
	// Dir is the directory of the database. It is made if it is missing, and refused if everybody can change it.
	Dir string
	// Migrate brings an older schema up to date. Without it such a database is refused.
	Migrate bool
}

// A Store is the store on one directory.
type Store struct {
	*sqlstore.Store
	lock *lock
}

var _ authz.Store = (*Store)(nil)

// Open opens the store of a directory. Errors: FailedPrecondition if another process has it, if others could change it, if
// it is damaged or not a database, or if its schema is not the one that is needed.
func Open(ctx context.Context, c Config) (*Store, error) {
	db, lock, err := open(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	if err := schema(db).Ready(ctx, c.Migrate); err != nil {
		return nil, errors.Join(dialect.Classified(err), lock.release(db.Close()))
	}
	return &Store{sqlstore.New(db, 1, dialect), lock}, nil
}

// History returns the log of the database's changes. Only this process makes any, and knows when it does.
func (s *Store) History() fence.Log { return history{s.Log()} }

// Members returns nil: nobody else can have the database.
func (s *Store) Members() fence.Members { return nil }

type history struct{ sqlstore.Log }

// Listen implements fence.Log.
func (history) Listen(ctx context.Context, _ func()) { <-ctx.Done() }

// Close closes the database and lets others have it.
func (s *Store) Close() error {
	return s.lock.release(s.Store.Close())
}

// Migrate makes the migrations that are missing, and returns the version of the schema before and after.
func Migrate(ctx context.Context, c Config) (from, to int64, err error) {
	err = withSchema(ctx, c, func(s sqlstore.Schema) (err error) {
		from, to, err = s.Migrate(ctx)
		return err
	})
	return from, to, err
}

// Status returns the version of the schema, and changes nothing of it.
func Status(ctx context.Context, c Config) (v sqlstore.SchemaVersion, err error) {
	if _, err := os.Stat(filepath.Join(c.Dir, databaseFile)); errors.Is(err, fs.ErrNotExist) {
		return schema(nil).Missing() // to open it would make it
	}
	err = withSchema(ctx, c, func(s sqlstore.Schema) (err error) {
		v, err = s.Version(ctx)
		return err
	})
	return v, err
}

func withSchema(ctx context.Context, c Config, do func(sqlstore.Schema) error) error {
	db, lock, err := open(ctx, c.Dir)
	if err != nil {
		return err
	}
	return errors.Join(dialect.Classified(do(schema(db))), lock.release(db.Close()))
}

// open takes the directory, and opens the database in it on the one connection that there will be.
func open(ctx context.Context, dir string) (_ *sql.DB, _ *lock, err error) {
	dir, err = filepath.Abs(dir)
	if err == nil {
		err = datadir.Ensure(dir)
	}
	if err != nil {
		return nil, nil, unusable(dir, err)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, databaseFile)
	if err := private(path); err != nil {
		return nil, nil, errors.Join(unusable(dir, err), lock.Unlock())
	}
	connector, err := sqlite.NewConnector(dsn(path))
	if err != nil {
		return nil, nil, errors.Join(unusable(dir, err), lock.Unlock())
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	err = verify(ctx, db)
	if err == nil && !(lock.asClosed() && large(path)) {
		err = check(ctx, db)
	}
	if err != nil {
		// The lock file goes on saying that the database was not closed, for then it is checked again.
		return nil, nil, errors.Join(refusal(path, err), db.Close(), lock.Unlock())
	}
	return db, lock, nil
}

// soonChecked is how large a database, in bytes, is checked in a time that nobody minds, some 0.2 s: 100,000 keys.
const soonChecked = 32 << 20

// large reports whether to check a database takes so long that it is not done without a reason. One that is as somebody closed
// it is known to be whole, but for what the disk does to it, and what is damaged is an error when it is read.
func large(path string) bool {
	f, err := os.Stat(path)
	return err == nil && f.Size() > soonChecked
}

// private makes the file of the database, or one that was copied here, readable for nobody else. What SQLite puts
// beside it has the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|datadir.NoFollow, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// dsn returns the address of the database with what is set on each connection to it. The lock comes before the journal:
// a log that is opened exclusively needs no shared memory.
func dsn(path string) string {
	u := url.URL{Scheme: "file", Path: path}
	return u.String() + "?_pragma=locking_mode(EXCLUSIVE)&_pragma=trusted_schema(OFF)&_journal_mode=WAL" +
		"&_synchronous=FULL&_foreign_keys=1&_dqs=0&_defensive=1"
}

// verify checks that what dsn asks for took effect: SQLite ignores some of what it is asked for without a word.
func verify(ctx context.Context, db *sql.DB) error {
	for _, want := range []struct{ pragma, value string }{
		{"journal_mode", "wal"},
		{"locking_mode", "exclusive"},
		{"synchronous", "2"}, // FULL
		{"foreign_keys", "1"},
	} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&got); err != nil {
			return err
		}
		if got != want.value {
			return authz.Errorf(authz.FailedPrecondition, "the database does not do as it must: %s is %s", want.pragma, got)
		}
	}
	return nil
}

// check looks at every page of the database, which takes some 0.7 s for 100 MB.
func check(ctx context.Context, db *sql.DB) error {
	var sound string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&sound); err != nil {
		return err
	}
	if sound != "ok" {
		return errors.New(sound)
	}
	return nil
}

func unusable(dir string, cause error) error {
	return authz.Errorf(authz.FailedPrecondition, "the data directory %s cannot be used", dir).Because(cause)
}

// refusal says why a database was refused.
func refusal(path string, err error) error {
	var known *authz.Error
	switch {
	case errors.As(err, &known):
		return err
	case dialect.Fault(err) != sqlstore.Unforeseen:
		return authz.Errorf(authz.Unavailable, "the database %s cannot be opened", path).Because(err)
	}
	damaged := &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeDatabaseDamaged,
		Message: path + " is damaged, or not a database: restore it from a backup, or move it away to begin anew"}
	return damaged.Because(err)
}
