// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"

	"modernc.org/sqlite/vfs"
)

// still is a database in WAL mode that nobody has open, as a file system for SQLite. Its log is read as well, where one was left
// behind; one that is missing is an empty one, and is not made. SQLite keeps the index of the log in its own memory.
type still struct {
	guard *guard
	log   string // its path
}

// stillName is the database's name in the file system.
const stillName = "db"

// Open implements fs.FS.
func (s still) Open(name string) (fs.File, error) {
	switch path.Base(name) {
	case stillName:
		// By the guard's descriptor: to close one of one's own would take the guard's lock away.
		return view{io.NewSectionReader(s.guard, 0, math.MaxInt64), s.guard.Stat}, nil
	case stillName + walSuffix:
		f, err := os.Open(s.log)
		if errors.Is(err, fs.ErrNotExist) {
			return view{bytes.NewReader(nil), func() (fs.FileInfo, error) { return nothing{}, nil }}, nil
		}
		return f, err
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// serve makes the file system known to SQLite, under a name.
func (s still) serve() (string, *vfs.FS, error) { return vfs.New(s) }

// A view is a file that somebody else closes.
type view struct {
	io.ReadSeeker
	stat func() (fs.FileInfo, error)
}

func (v view) Stat() (fs.FileInfo, error) { return v.stat() }
func (view) Close() error                 { return nil }

// nothing is the information of an empty file.
type nothing struct{ fs.FileInfo }

func (nothing) Size() int64 { return 0 }
