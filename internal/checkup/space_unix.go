// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package checkup

import "syscall"

// space returns how many bytes a file system has, and how many of them are left for who is not root.
func space(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
