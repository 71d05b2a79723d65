// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"io/fs"
	"os"
)

// files are a database and what is beside it. Those that are not there are nil.
type files struct{ db, wal, shm fs.FileInfo }

func filesAt(path string) files {
	stat := func(suffix string) fs.FileInfo {
		info, err := os.Stat(path + suffix)
		if err != nil {
			return nil
		}
		return info
	}
	return files{stat(""), stat(walSuffix), stat(shmSuffix)}
}

// besideFiles refuses what is beside a database and is no file: SQLite opens it, which would wait for ever where it is a pipe.
func besideFiles(path string) error {
	for _, suffix := range []string{walSuffix, shmSuffix, journalSuffix} {
		if info, err := os.Stat(path + suffix); err == nil && !info.Mode().IsRegular() {
			return refused(nil, "%s is not a file, as SQLite's would be: remove it, and restart Aeroplane", path+suffix)
		}
	}
	return nil
}

// same reports whether the files are the same ones, whatever is in them.
func (f files) same(g files) bool {
	same := func(a, b fs.FileInfo) bool { return a == nil && b == nil || a != nil && b != nil && os.SameFile(a, b) }
	return same(f.db, g.db) && same(f.wal, g.wal) && same(f.shm, g.shm)
}

// untouched reports whether the files are the same ones, and nobody seems to have written to them.
func (f files) untouched(g files) bool {
	return f.same(g) && alike(f.db, g.db) && alike(f.wal, g.wal) && alike(f.shm, g.shm)
}

// alike reports whether nobody seems to have written to a file, or it is not there.
func alike(a, b fs.FileInfo) bool {
	return a == nil || b == nil || a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
