// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/datadir"
)

// A lock is held on a directory as long as the database in it is open. Its file says who has it, or had it when it was killed or
// the machine went down; or in what state the database was closed.
type lock struct {
	*flock.Flock
	database string // the path
	found    string // what the file said before
}

// state is what a closed database is known by: it is another one if somebody has put a backup in its place.
func (l *lock) state() (string, error) {
	f, err := os.Stat(l.database)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("closed with %d bytes at %d\n", f.Size(), f.ModTime().UnixNano()), nil
}

// asClosed reports whether the database is as it was closed.
func (l *lock) asClosed() bool {
	state, err := l.state()
	return err == nil && state == l.found
}

// acquire locks a directory, or says who has it. The file stays when the lock goes: to remove it would let two processes
// lock two files of one name.
func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, lockFile)
	l := &lock{Flock: flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|datadir.NoFollow), flock.SetPermissions(0o600)),
		database: filepath.Join(dir, databaseFile)}
	locked, err := l.TryLock()
	if err != nil {
		return nil, unusable(dir, err)
	}
	if !locked {
		return nil, inUse(dir, path)
	}
	found, err := os.ReadFile(path)
	if err == nil {
		l.found = string(found)
		err = l.sign(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		return nil, errors.Join(unusable(dir, err), l.Unlock())
	}
	return l, nil
}

// sign writes into the lock file, and sees to it that this is on disk.
func (l *lock) sign(text string) error {
	f, err := os.OpenFile(l.Path(), os.O_WRONLY|os.O_TRUNC|datadir.NoFollow, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// release lets others have the directory, after whoever closed the database, or failed to, with an error. Where it cannot be written
// that it is closed, because the disk is full, it is checked the next time.
func (l *lock) release(err error) error {
	if state, unknown := l.state(); err == nil && unknown == nil {
		_ = l.sign(state)
	}
	return errors.Join(err, l.Unlock())
}

// inUse is the refusal of a directory that another process has.
func inUse(dir, path string) error {
	return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeDatabaseInUse,
		Message: "the data directory " + dir + " is in use by " + holder(path) + ", even if that does not answer: " +
			"stop it first, or name another directory"}
}

// holder names the process that wrote the lock file.
func holder(path string) string {
	text, err := os.ReadFile(path)
	pid, notNumber := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || notNumber != nil {
		return "another process"
	}
	return "process " + strconv.Itoa(pid)
}
