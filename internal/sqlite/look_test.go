// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlite"
)

func look(t *testing.T, dir string) sqlite.Condition {
	t.Helper()
	c, err := sqlite.Look(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLookAtNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "absent")
	if c := look(t, dir); c.There || c.Open || c.Read || c.Schema.Need < 2 || c.Path != dir+"/authz.db" {
		t.Errorf("%+v", c)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}

// Whoever has the database, or had it when it was killed, shows; and nothing of it is changed, nor is it kept from anybody.
func TestLookAtADatabaseInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "create", dir)
	p.next(t)
	if c := look(t, dir); !c.There || !c.Open || c.Holder != p.Process.Pid || c.Read || c.Size == 0 || time.Since(c.Changed).Abs() > time.Hour {
		t.Errorf("in use by %d: %+v", p.Process.Pid, c)
	}
	p.next(t) // it goes on
	refused(t, dir, "process")
	p.signal(t, syscall.SIGKILL)
	p.rest()
	_ = p.Wait()
	if c := look(t, dir); c.Open || !c.Unclosed || c.Read {
		t.Errorf("after a kill: %+v", c)
	}

	closed(t, open(t, dir))
	before := contents(t, dir)
	if c := look(t, dir); c.Open || c.Unclosed || !c.Read || c.Schema.Have != c.Schema.Need {
		t.Errorf("closed: %+v", c)
	}
	after := contents(t, dir)
	if len(before) != len(after) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
}

// contents are the files of a directory, each with its mode and what is in it.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = info.Mode().String() + info.ModTime().String() + string(text)
	}
	return all
}

func TestLookAtWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed(t, open(t, dir))
	path := filepath.Join(dir, "authz.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{[]byte("not a database, but longer than nothing"), append(text[:4096:4096], make([]byte, len(text)-4096)...)} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := sqlite.Look(t.Context(), dir)
		if authz.KindOf(err) != authz.FailedPrecondition {
			t.Errorf("%+v, %v", c, err)
		}
	}
	// An empty file is an empty database.
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := look(t, dir); !c.Read || c.Schema.Have != 0 {
		t.Errorf("%+v", c)
	}
}
