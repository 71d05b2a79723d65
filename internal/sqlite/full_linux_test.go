// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aeroplane.run/authz"
)

// smallVariable is set where the test has file systems of its own.
const smallVariable = "AEROPLANE_AUTHZ_TEST_SQLITE_SMALL"

// Of a change that a full disk has stopped it is known that it was not made: it is not there afterwards, not even if the process dies.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(smallVariable) == "" {
		inNamespace(t)
		return
	}
	small, copied := t.TempDir(), t.TempDir()
	switch err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=2m"); {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	dir, ballast := filepath.Join(small, "data"), filepath.Join(small, "ballast")
	s := open(t, dir)
	if err := os.WriteFile(ballast, make([]byte, 100<<12), 0o600); err != nil {
		t.Fatal(err)
	}
	var made, not []string
	for i := 0; len(not) < 50; i++ {
		id := fmt.Sprint("key", i)
		_, err := s.CreateKey(t.Context(), admin, newKey(id))
		var e *authz.Error
		switch {
		case err == nil:
			made = append(made, id)
		case errors.As(err, &e) && e.Kind == authz.Unavailable && e.Code == authz.CodeDiskFull:
			not = append(not, id)
			// With a page more each time, the disk is full at another place of the commit.
			if err := os.Truncate(ballast, int64(100-len(not))<<12); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("%s after %d keys: %v", id, len(made), err)
		}
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil { // as a process leaves it that is killed
		t.Fatal(err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateKey(t.Context(), admin, newKey("after")); err != nil {
		t.Errorf("nothing can be written when there is space again: %v", err)
	}
	closed(t, s)
	for _, dir := range []string{dir, copied} {
		has(t, dir, made)
		s := open(t, dir)
		keys, err := s.Keys(t.Context(), authz.KeyFilter{}, authz.Page{Size: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if slices.Contains(not, k.ID) {
				t.Errorf("%s was made after all", k.ID)
			}
		}
		closed(t, s)
	}
}

// inNamespace runs the test once more where it may mount what it likes.
func inNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), smallVariable+"=1")
	root := []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	groups := []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: root, GidMappings: groups}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL), strings.Contains(string(out), "--- SKIP"):
		t.Skipf("this system lets nobody have file systems of their own: %v\n%s", err, out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
}
