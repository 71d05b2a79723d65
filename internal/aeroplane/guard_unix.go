// SPDX-License-Identifier: Apache-2.0

//go:build unix

package aeroplane

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// nonblock keeps the opening of what has become a pipe from waiting for somebody to write to it.
const nonblock = syscall.O_NONBLOCK

// The bytes on which SQLite has its locks: on a database the shared ones, by its file format, and on an index the one that everybody
// has who uses it.
const (
	sharedFirst = 0x40000002
	sharedSize  = 510
	inUse       = 128
)

func stretch(kind int16, first, size int64) *syscall.Flock_t {
	return &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: first, Len: size}
}

// lockShared takes SQLite's shared lock on a database, and reports false if somebody has it exclusively.
func lockShared(f *os.File) (bool, error) {
	err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, stretch(syscall.F_RDLCK, sharedFirst, sharedSize))
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// lockedByOthers reports whether another process has SQLite's lock, shared or not.
func lockedByOthers(f *os.File) (bool, error) { return othersHave(f, sharedFirst, sharedSize) }

// indexInUse reports whether another process uses the index of a log.
func indexInUse(f *os.File) (bool, error) { return othersHave(f, inUse, 1) }

func othersHave(f *os.File, first, size int64) (bool, error) {
	l := stretch(syscall.F_WRLCK, first, size)
	err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, l)
	return l.Type != syscall.F_UNLCK, err
}
