// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// A Mark is how the database looks at an instant from outside: which files there are, and what tells whether somebody has written to them.
type Mark struct {
	at     time.Time // before anything was looked at
	files  files
	index  index
	counts bool // the index is in use: with each commit it becomes another
}

// An index is the header of the log's index, twice: the first part of what SQLite documents as the WAL-index header. It counts commits,
// and holds a checksum over all that is in the log. Locks begin behind it.
type index [96]byte

// Look looks at the database at a path, which takes microseconds, without opening it: it hinders nobody, and whoever closes it last can
// put everything in order. While this process reads the same database, it waits. Errors: FailedPrecondition if it is not there, is no
// file, is empty, or the index beside it may not be read.
func Look(path string) (Mark, error) {
	real, err := regular(path)
	if err != nil {
		return Mark{}, fault(path, err)
	}
	// The index comes last: whatever is written after the files were looked at makes the next Mark another.
	m := Mark{at: time.Now()}
	m.files = filesAt(real)
	switch {
	case m.files.db == nil:
		return Mark{}, fault(path, fs.ErrNotExist)
	case m.files.shm == nil:
		return m, nil
	}
	if err := m.readIndex(real); err != nil {
		return Mark{}, fault(path, err)
	}
	return m, nil
}

// readIndex reads by a descriptor: SQLite has the index in memory that it shares with the file, and of a whole that is written meanwhile
// some parts may be old. Such a Mark is like no other.
func (m *Mark) readIndex(path string) (err error) {
	turn, err := takeTurn(context.Background(), path, m.files.db)
	if err != nil {
		return err
	}
	defer turn.end()
	f, err := os.OpenFile(path+shmSuffix, os.O_RDONLY|nonblock, 0)
	if errors.Is(err, fs.ErrNotExist) { // it was there a moment ago
		m.files.shm = nil
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if m.counts, err = indexInUse(f); err != nil {
		return err
	}
	if _, err = f.ReadAt(m.index[:], 0); errors.Is(err, io.EOF) { // it is being made
		err = nil
	}
	return err
}

// SameFile reports whether both are of the same file, whatever is in it.
func (m Mark) SameFile(n Mark) bool {
	return m.files.db != nil && n.files.db != nil && os.SameFile(m.files.db, n.files.db)
}

// Same reports whether nothing has been committed between the two, of which m is the later. It may say no although nothing was: after
// a checkpoint, where somebody opened or closed the database, and in the first moments after a file was written to.
func (m Mark) Same(n Mark) bool { return m.like(n) && !n.fresh() }

// like reports whether all is the same that can be seen.
//
// As long as somebody uses the index it has the last word on the log, in which what is not committed stands too. An index that
// nobody uses was left behind by whoever was killed, and who has the database alone writes to the log without it.
func (m Mark) like(n Mark) bool {
	return m.SameFile(n) && m.files.same(n.files) && alike(m.files.db, n.files.db) && m.counts == n.counts && m.index == n.index &&
		(m.counts || alike(m.files.wal, n.files.wal))
}

// fresh reports whether a file was written to so short a time before it was looked at that more may have been written since, at what is
// the same time to the file system. A time that is as far ahead is no more likely to come again.
func (m Mark) fresh() bool {
	fresh := func(f fs.FileInfo) bool { return f != nil && m.at.Sub(f.ModTime()).Abs() <= grain(f.ModTime()) }
	return fresh(m.files.db) || !m.counts && fresh(m.files.wal)
}

// grain is how far apart two writes have to be for the times of a file to differ, with a margin. Some file systems have whole seconds.
func grain(t time.Time) time.Duration {
	if t.Nanosecond() == 0 {
		return 2100 * time.Millisecond
	}
	return 100 * time.Millisecond
}
