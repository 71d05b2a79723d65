// SPDX-License-Identifier: Apache-2.0

// Package datadir looks after the directory in which a process keeps what nobody else may change. Whoever can write to a
// directory can put another file in the place of any in it, whatever the modes of the files say.
package datadir

import "os"

// Ensure makes a directory for this user alone if it is missing. One that is there it refuses if everybody can write to
// it, or if it, or a symbolic link that it is, belongs to somebody else than this user or root. A group may write:
// container platforms hand out volumes that way.
func Ensure(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return Check(dir)
}

// Check refuses a directory that Ensure refuses, or that is missing. It makes nothing.
func Check(dir string) error { return CheckFor(dir, os.Geteuid()) }

// CheckFor is Check for another user than the one that asks.
func CheckFor(dir string, user int) error {
	for _, stat := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} {
		info, err := stat(dir)
		if err != nil {
			return err
		}
		if err := check(dir, user, info); err != nil {
			return err
		}
	}
	return nil
}
