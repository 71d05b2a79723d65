// SPDX-License-Identifier: Apache-2.0

//go:build unix

package datadir

import (
	"fmt"
	"io/fs"
	"syscall"
)

// NoFollow is a flag to open a file with that fails if the file is a symbolic link.
const NoFollow = syscall.O_NOFOLLOW

// check refuses a directory, or a link to one, that others could change.
func check(dir string, user int, info fs.FileInfo) error {
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if owner != 0 && owner != user {
		return fmt.Errorf("%s belongs to user %d, who can change what is in it: run chown %d %s, or name another directory",
			dir, owner, user, dir)
	}
	if info.IsDir() && info.Mode()&0o002 != 0 { // a link's own mode says nothing
		return fmt.Errorf("everybody can change what is in %s: run chmod o-w %s, or name another directory", dir, dir)
	}
	return nil
}
