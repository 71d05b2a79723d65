// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"aeroplane.run/authz/internal/sqlstore"
)

// A Condition is what shows of a database from outside. Path and There are known of each.
type Condition struct {
	Path  string
	There bool
	// Size counts the log beside it. Changed is when either was written last, by the clock of this machine at that time.
	Size    int64
	Changed time.Time
	// Open says that a process has it open, and Holder its number: 0 if that cannot be told from here. Blind says that
	// neither can be told on this system.
	Open, Blind bool
	Holder      int
	// Unclosed says that nobody has it open, and that whoever had it did not close it. What is in its log is not read here.
	Unclosed bool
	// Schema is known if nobody has it open and it was closed, and Read then says so.
	Read   bool
	Schema sqlstore.SchemaVersion
}

// Look says how the database of a directory is. It takes no lock, writes nothing and makes nothing, so that a process may
// open the store meanwhile; what was read then is not told. It is for a process that has not the store open itself: to
// close the file would give up SQLite's locks. Errors: FailedPrecondition if it is damaged, or no database.
func Look(ctx context.Context, dir string) (c Condition, err error) {
	c.Path = filepath.Join(dir, databaseFile)
	info, err := os.Stat(c.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Schema, err = schema(nil).Missing()
		return c, err
	case err != nil:
		return c, unusable(dir, err)
	}
	c.There, c.Size, c.Changed = true, info.Size(), info.ModTime()
	log := logSize(&c)
	if c.Holder, c.Open, err = holderOf(c.Path); errors.Is(err, errors.ErrUnsupported) {
		c.Blind = true
		return c, nil
	}
	switch {
	case err != nil:
		return c, unusable(dir, err)
	case c.Open:
		return c, nil
	case log > 0:
		c.Unclosed = true
		return c, nil
	}
	v, err := peek(ctx, c.Path)
	// Whoever has come meanwhile may have changed it under our eyes.
	if holder, open, late := holderOf(c.Path); late == nil && open {
		c.Holder, c.Open = holder, true
		return c, nil
	}
	if err != nil {
		return c, refusal(c.Path, err)
	}
	c.Read, c.Schema = true, v
	return c, nil
}

// logSize adds the log to a condition, and returns its size.
func logSize(c *Condition) int64 {
	info, err := os.Stat(c.Path + "-wal")
	if err != nil {
		return 0
	}
	c.Size += info.Size()
	if info.ModTime().After(c.Changed) {
		c.Changed = info.ModTime()
	}
	return info.Size()
}

// peek reads a database that nobody writes to, without SQLite's own locks. A small one is read whole.
func peek(ctx context.Context, path string) (v sqlstore.SchemaVersion, err error) {
	u := url.URL{Scheme: "file", Path: path}
	connector, err := sqlite.NewConnector(u.String() + "?mode=ro&immutable=1&_pragma=trusted_schema(OFF)&_defensive=1")
	if err != nil {
		return v, err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	if !large(path) {
		if err := check(ctx, db); err != nil {
			return v, err
		}
	}
	return schema(db).Version(ctx)
}
