// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// SmallWAL stops the server and starts it again with its log on a file system of its own, with room for so many megabytes
// more, whose directory it returns: what else is put there leaves no room for the log. With more there is as much room again. It
// needs root. When the test ends, or with restore, the log is where it was, and the server stopped.
func (p *PostgresProcess) SmallWAL(t testing.TB, spare int) (dir string, more, restore func()) {
	t.Helper()
	small, usual := filepath.Join(p.dir.path, "small"), filepath.Join(p.data(), "pg_wal")
	options := "mode=700"
	if p.as != nil {
		options += ",uid=" + strconv.Itoa(int(p.as.Uid)) + ",gid=" + strconv.Itoa(int(p.as.Gid))
	}
	p.Stop(t)
	size := sizeOf(t, usual) + int64(spare)<<20
	options = fmt.Sprintf("size=%d,%s", size, options)
	mounted, done := false, false
	restore = func() {
		if done {
			return
		}
		done = true
		if p.Running() {
			p.StopImmediately(t)
		}
		if link, err := os.Readlink(usual); err == nil && link == small {
			commands(t, [][]string{{"rm", usual}, {"cp", "-a", small, usual}})
		}
		if mounted {
			commands(t, [][]string{{"umount", small}})
		}
	}
	t.Cleanup(restore)
	commands(t, [][]string{{"mkdir", "-p", small}, {"mount", "-t", "tmpfs", "-o", options, "none", small}})
	mounted = true
	commands(t, [][]string{{"cp", "-a", usual + "/.", small}, {"rm", "-r", usual}, {"ln", "-s", small, usual}})
	p.Start(t)
	more = func() {
		size += int64(spare) << 20
		commands(t, [][]string{{"mount", "-o", fmt.Sprintf("remount,size=%d", size), small}})
	}
	return small, more, restore
}

// sizeOf returns how many bytes the files in a directory have.
func sizeOf(t testing.TB, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func commands(t testing.TB, all [][]string) {
	t.Helper()
	for _, c := range all {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
}
