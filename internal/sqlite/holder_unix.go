// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package sqlite

import (
	"io"
	"os"
	"syscall"
)

// SQLite's own locks are on bytes of the database at the end of its first gigabyte.
const (
	lockedFrom  = 1 << 30
	lockedBytes = 512
)

// holderOf asks the system who has a lock of SQLite's on a file, and takes none for that. The number of a process that cannot be
// seen from here, as from another container, is 0.
func holderOf(path string) (pid int, held bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	wanted := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: lockedFrom, Len: lockedBytes}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &wanted); err != nil {
		return 0, false, &os.PathError{Op: "fcntl", Path: path, Err: err}
	}
	if wanted.Type == syscall.F_UNLCK {
		return 0, false, nil
	}
	return max(0, int(wanted.Pid)), true, nil
}
