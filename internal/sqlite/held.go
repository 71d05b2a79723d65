// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"aeroplane.run/authz/internal/datadir"
)

// Held refuses a directory that another process has, and leaves everything in it as it is. For a moment it shares the
// lock: a process that opens the store in that moment is refused.
func Held(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return unusable(dir, err)
	}
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY|datadir.NoFollow))
	locked, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // nobody has had it yet
	case err != nil:
		return unusable(dir, err)
	case !locked:
		return inUse(dir, path)
	}
	return lock.Unlock()
}
