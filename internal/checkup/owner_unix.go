// SPDX-License-Identifier: Apache-2.0

//go:build unix

package checkup

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// serviceUser is whom the service runs as: us, or, if root asks, whoever has the data directory.
func serviceUser(dir string) int {
	me := os.Geteuid()
	if info, err := os.Stat(dir); me == 0 && err == nil {
		return owner(info)
	}
	return me
}

// foreignDirectory tells of a directory that is neither ours nor root's, unless we are root: either that is wrong, or who we are.
func foreignDirectory(dir string) (f Finding, foreign bool) {
	me := os.Geteuid()
	info, err := os.Stat(dir)
	if err != nil || me == 0 || owner(info) == 0 || owner(info) == me {
		return f, false
	}
	f = fault("", "the data directory %s belongs to user %d, and this was run by user %d", dir, owner(info), me)
	f.Do = fmt.Sprintf("Run this as user %d, or as root; if it is user %d that the service is to run as, give the directory to that one.", owner(info), me)
	return f, true
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// judgeOwn looks at a file that the service has made, for itself alone.
func judgeOwn(path string, user int) (all []Finding) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // it has gone meanwhile
	}
	if info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		all = append(all, fault("Run chmod go-rwx "+path+".", "others than its owner may use %s, whose mode is %04o", path, info.Mode().Perm()))
	}
	if owner(info) != user {
		all = append(all, faultOwner(path, owner(info), user))
	}
	return all
}

func faultOwner(path string, is, user int) Finding {
	f := fault("", "%s belongs to user %d, and the service runs as user %d", path, is, user)
	f.Do = "Give it to the user of the service with chown, and run commands on the data directory, such as migrate, as that user."
	return f
}

// judgeSecret looks at a file that an administrator has made. It may be root's, and root may let a group read it, as
// container platforms do, and Linux distributions with keys.
func judgeSecret(path string, user int) (all []Finding) {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	mode, of := info.Mode().Perm(), owner(info)
	switch {
	case mode&0o022 != 0:
		all = append(all, fault("Run chmod go-w "+path+"; and change the secret, if somebody else may have.", "%s holds a secret, and others than its owner may write it", path))
	case mode&0o004 != 0:
		all = append(all, fault("Run chmod o-r "+path+"; in Kubernetes, mount it with defaultMode 0440 and an fsGroup.", "%s holds a secret, and everybody may read it", path))
	case mode&0o040 != 0 && of != 0:
		all = append(all, warning("Run chmod g-r "+path+", unless the group is the service's alone.", "%s holds a secret, and a group may read it", path))
	}
	if of != 0 && of != user {
		all = append(all, warning("Give it to root, or to the user of the service.", "%s holds a secret, and belongs to user %d, who can change it", path, of))
	}
	return all
}
