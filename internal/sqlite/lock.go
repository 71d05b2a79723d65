// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/datadir"
)

// acquire locks a directory, or says who has it. The file stays when the lock goes: to remove it would let two processes
// lock two files of one name.
func acquire(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|datadir.NoFollow), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, unusable(dir, err)
	}
	if !locked {
		return nil, inUse(dir, path)
	}
	if err := sign(path); err != nil {
		return nil, errors.Join(unusable(dir, err), lock.Unlock())
	}
	return lock, nil
}

// sign writes who we are into the lock file.
func sign(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|datadir.NoFollow, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return errors.Join(err, f.Close())
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
