// SPDX-License-Identifier: Apache-2.0

//go:build unix

package checkup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func file(t *testing.T, dir, name string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	me := os.Geteuid()
	for mode, want := range map[os.FileMode][]string{
		0o600: nil, 0o400: nil, 0o604: {"fault everybody may read it"}, 0o644: {"fault everybody may read it"},
		0o620: {"fault others than its owner may write it"}, 0o602: {"fault others than its owner may write it"},
	} {
		wants(t, judgeSecret(file(t, t.TempDir(), "secret", mode), me), want...)
	}
	for mode, want := range map[os.FileMode][]string{
		0o600: nil, 0o640: {"fault mode is 0640"}, 0o606: {"fault mode is 0606"},
	} {
		wants(t, judgeOwn(file(t, t.TempDir(), "authz.db", mode), me), want...)
	}
	// What is not the service's, in its directory, is nobody's business.
	x := with(t)
	dir := x.Settings.DataDir
	file(t, dir, "notes.txt", 0o644)
	wants(t, x.directory(dir, me), "ok is its owner's alone", "ok the disk")
	file(t, dir, "authz.lock", 0o666)
	wants(t, x.directory(dir, me), "fault authz.lock", "ok the disk")
	x.Usable = func(string) error { return errors.New("no") }
	wants(t, x.directory(dir, me), "fault cannot be used: no")

	// With everything configured, on Postgres, it is not needed.
	secrets := file(t, t.TempDir(), "tokens", 0o600)
	x = with(t, "postgres-url=postgres://u@127.0.0.1:1/db", "admin-tokens=a hunter2", "gateway-tokens-file="+secrets, "data-dir=/nowhere/at/all")
	wants(t, checkPermissions(t.Context(), x), "ok the data directory is not needed", "ok nobody else may read or change the files of secrets, "+secrets)
}

func TestOwners(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const user, another = 54321, 54322
	give := func(path string, to int) string {
		t.Helper()
		if err := os.Chown(path, to, -1); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir := give(t.TempDir(), user)
	if got := serviceUser(dir); got != user {
		t.Errorf("the service is run by %d, want %d", got, user)
	}
	wants(t, judgeOwn(file(t, dir, "authz.db", 0o600), user), "fault belongs to user 0, and the service runs as user 54321")
	wants(t, judgeSecret(file(t, dir, "key", 0o440), user)) // as platforms mount them
	wants(t, judgeSecret(give(file(t, dir, "own", 0o600), user), user))
	wants(t, judgeSecret(give(file(t, dir, "group", 0o640), user), user), "warning a group may read it")
	wants(t, judgeSecret(give(file(t, dir, "foreign", 0o600), another), user), "warning belongs to user 54322")

	x := with(t, "data-dir="+dir)
	x.Usable = func(string) error { return errors.New("it was asked of root, who may do anything") }
	give(filepath.Join(dir, "authz.db"), user)
	wants(t, x.directory(dir, user), "ok is its owner's alone", "ok the disk")
}
