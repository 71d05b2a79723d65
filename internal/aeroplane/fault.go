// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"errors"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aeroplane.run/authz"
)

// errStirred says that what is beside the database changed while it was opened or read, so that it has to be opened anew.
var errStirred = errors.New("the files of the database changed meanwhile")

// fault says what is the matter with the file, and what to do.
func fault(path string, err error) error {
	var known *authz.Error
	var e *sqlite.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return refused(err, "there is no file %s: give the path of Aeroplane's deploy.db", path)
	case errors.Is(err, fs.ErrPermission):
		return refused(err, "%s may not be read by the user of this process: let it read the file, those beside it, and the directory", path)
	case errors.Is(err, errStirred):
		return absent(err, "%s is being opened, closed or replaced: try again", path)
	case !errors.As(err, &e):
		return absent(err, "%s cannot be read: try again", path)
	}
	switch e.Code() {
	case sqlite3.SQLITE_READONLY_ROLLBACK:
		return refused(err, "Aeroplane was interrupted in a change of %s: start it, so that it takes the change back, and try again", path)
	case sqlite3.SQLITE_READONLY_RECOVERY, sqlite3.SQLITE_READONLY_CANTINIT:
		return absent(err, "%s is being recovered: try again, and start Aeroplane if that does not help", path)
	}
	switch e.Code() & 0xff { // the rest is detail
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return locked(path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR:
		return damaged(path, err)
	}
	return absent(err, "%s cannot be read: look at its disk, and try again", path)
}

func locked(path string, cause error) error {
	return absent(cause, "%s is locked by another process: try again, and see which program has it if that does not help", path)
}

func damaged(path string, cause error) error {
	return refused(cause, "%s is damaged, cut short or not a database: restore it from a backup of Aeroplane, or copy it anew", path)
}

func refused(cause error, format string, args ...any) error {
	return authz.Errorf(authz.FailedPrecondition, format, args...).Because(cause)
}

func absent(cause error, format string, args ...any) error {
	return authz.Errorf(authz.Unavailable, format, args...).Because(cause)
}

// anew reports whether an error may be gone if the file is opened anew.
func anew(err error) bool {
	var e *sqlite.Error
	return errors.Is(err, errStirred) || errors.As(err, &e) &&
		(e.Code() == sqlite3.SQLITE_READONLY_RECOVERY || e.Code() == sqlite3.SQLITE_READONLY_CANTINIT || e.Code() == sqlite3.SQLITE_CANTOPEN)
}
