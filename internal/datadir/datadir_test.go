// SPDX-License-Identifier: Apache-2.0

//go:build unix

package datadir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/datadir"
)

func TestEnsureMakesAPrivateDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	for range 2 {
		if err := datadir.Ensure(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Fatalf("%v, %v", info.Mode(), err)
		}
	}
}

func TestEnsureLeavesADirectoryAsItIs(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o700, 0o750, 0o755, 0o770, 0o775, 0o770 | os.ModeSetgid} {
		dir := t.TempDir()
		chmod(t, dir, mode)
		if err := datadir.Ensure(dir); err != nil {
			t.Errorf("%v: %v", mode, err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode() != os.ModeDir|mode {
			t.Errorf("%v became %v, %v", mode, info.Mode(), err)
		}
	}
}

func TestEnsureRefusesWhatEverybodyCanChange(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o777, 0o702, 0o777 | os.ModeSticky} {
		dir := t.TempDir()
		chmod(t, dir, mode)
		refused(t, dir, "run chmod o-w "+dir)
		refused(t, link(t, dir), "everybody can change")
	}
}

func TestEnsureRefusesWhatSomebodyElseOwns(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const somebody = 54321
	dir := t.TempDir()
	if err := os.Chown(dir, somebody, -1); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "belongs to user 54321")
	refused(t, link(t, dir), "belongs to user 54321")

	foreign := link(t, t.TempDir())
	if err := os.Lchown(foreign, somebody, -1); err != nil {
		t.Fatal(err)
	}
	refused(t, foreign, "belongs to user 54321")
}

func TestEnsureRefusesWhatIsNoDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, file, "not a directory")
	refused(t, link(t, file), "not a directory")
	refused(t, filepath.Join(file, "below"), "not a directory")
	refused(t, link(t, filepath.Join(t.TempDir(), "absent")), "exists")
}

func TestCheckMakesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "absent")
	if err := datadir.Check(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it was made")
	}
}

func TestEnsureFollowsAnOwnLink(t *testing.T) {
	t.Parallel()
	if err := datadir.Ensure(link(t, t.TempDir())); err != nil {
		t.Error(err)
	}
}

func link(t *testing.T, to string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func chmod(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, dir, because string) {
	t.Helper()
	err := datadir.Ensure(dir)
	if err == nil || !strings.Contains(err.Error(), because) {
		t.Errorf("%s: want %q: %v", dir, because, err)
	}
}
