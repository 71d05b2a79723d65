// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// dirPrefix begins the names of our directories, so that those of a process that was killed are recognised.
const dirPrefix = "aeroplane-authz-test-"

// A tempDir is the directory of one server. Whoever made it holds a lock on it for as long as it lives.
type tempDir struct {
	path string
	lock *os.File
}

// newTempDir makes a directory that belongs to the given user, and removes those that processes left behind.
func newTempDir(owner *syscall.Credential) (*tempDir, error) {
	base, err := tempBase(owner)
	if err != nil {
		return nil, err
	}
	removeStale(base)
	path, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return nil, err
	}
	d := &tempDir{path: path}
	if d.lock, err = lockDir(path); err == nil && owner != nil {
		err = os.Chown(path, int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		_ = d.remove()
		return nil, err
	}
	return d, nil
}

// remove removes the directory, and ends who still works there: a process of Postgres that waits for what another one held when
// it was killed waits for ever, and does not notice that its server is gone. It is not done to what another process left, since
// whoever works there may be somebody who looks into it.
func (d *tempDir) remove() error {
	for _, pid := range within(d.path) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		_ = d.lock.Close()
	}
	return err
}

// lockDir locks a directory until the file that it returns is closed, or the process ends.
func lockDir(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = dir.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return dir, nil
}

// removeStale removes the directories in base that nobody holds. One that is new may be about to be locked.
// A server which still runs in one, as it may where the system cannot end it with its parent, ends by itself when it
// finds its directory gone.
func removeStale(base string) {
	paths, _ := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			_ = os.RemoveAll(path)
			_ = lock.Close()
		}
	}
}

// tempBase returns the directory for temporary files, or, where the given user could not get there, /tmp.
func tempBase(owner *syscall.Credential) (string, error) {
	candidates := []string{os.TempDir(), "/tmp"}
	if owner == nil {
		return candidates[0], nil
	}
	for _, base := range candidates {
		if traversable(base) {
			return base, nil
		}
	}
	return "", fmt.Errorf("an unprivileged server cannot reach %s: let others traverse it, or set TMPDIR",
		strings.Join(candidates, " or "))
}

// traversable reports whether everybody may pass through a directory and all above it.
func traversable(dir string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
