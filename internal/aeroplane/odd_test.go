// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// database is what an Aeroplane of some size leaves behind when it is stopped.
var database = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	a, err := aeroplanetest.StartIn(dir)
	if err != nil {
		return nil, err
	}
	a.Fill(10, 100, 1000, 500)
	a.Stop()
	text, err := os.ReadFile(a.Path)
	return text, errors.Join(err, a.Err())
})

// left is a directory with a database that nobody has open.
type left struct{ Dir, Path string }

func stopped(t *testing.T) left {
	t.Helper()
	text, err := database()
	dir := t.TempDir()
	path := filepath.Join(dir, "deploy.db")
	if err := errors.Join(err, os.WriteFile(path, text, 0o644)); err != nil {
		t.Fatal(err)
	}
	return left{dir, path}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	a := stopped(t)
	whole, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		words  string
	}{
		"nothing in it":  {func([]byte) []byte { return nil }, "is empty: start Aeroplane"},
		"text":           {func([]byte) []byte { return bytes.Repeat([]byte("no database\n"), 1000) }, "restore it from a backup"},
		"a few bytes":    {func(db []byte) []byte { return db[:50] }, "restore it from a backup"},
		"half copied":    {func(db []byte) []byte { return db[:len(db)/2] }, "restore it from a backup"},
		"almost copied":  {func(db []byte) []byte { return db[:len(db)-1000] }, "restore it from a backup"},
		"half of a page": {func(db []byte) []byte { return db[:len(db)/2-100] }, "restore it from a backup"},
		"a hole in it": {func(db []byte) []byte {
			return append(append(db[:8192:8192], make([]byte, len(db)-12288)...), db[len(db)-4096:]...)
		}, "restore it from a backup"},
		"page sizes": {func(db []byte) []byte { db[16], db[17] = 3, 7; return db }, "restore it from a backup"},
	} {
		rewrite(t, a.Path, func([]byte) []byte { return c.change(slices.Clone(whole)) })
		untouched(t, a.Dir, func() {
			t.Log(name)
			refuses(t, a.Path, authz.FailedPrecondition, a.Path, c.words)
			if name == "nothing in it" { // which is seen from outside
				unseen(t, a.Path, authz.FailedPrecondition, c.words)
			} else {
				look(t, a.Path)
			}
		})
	}
}

func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, no := range []func(testing.TB, string, authz.Kind, ...string){refuses, unseen} {
		no(t, filepath.Join(dir, "none"), authz.FailedPrecondition, "there is no file "+dir, "give the path of Aeroplane's deploy.db")
		no(t, filepath.Join(dir, "none", "deploy.db"), authz.FailedPrecondition, "there is no file")
		no(t, dir, authz.FailedPrecondition, "is not a file")
		no(t, os.DevNull, authz.FailedPrecondition, "is not a file")
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("none", link); err != nil {
		t.Fatal(err)
	}
	refuses(t, link, authz.FailedPrecondition, "there is no file")
	unseen(t, link, authz.FailedPrecondition, "there is no file")
	if got := names(t, dir); got != "link" {
		t.Error(got)
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	a := stopped(t)
	dir := filepath.Join(t.TempDir(), "a b?c=d#e%20f;g&h:i")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b := filepath.Join(dir, "x?mode=rwc")
	if err := os.Rename(a.Path, b); err != nil {
		t.Fatal(err)
	}
	untouched(t, dir, func() { look(t, b); read(t, b) })
	live, err := aeroplanetest.StartIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer live.Stop()
	live.Project("a", "", "a")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(live.Path, link); err != nil {
		t.Fatal(err)
	}
	has(t, link, "a")
	m := settled(t, link)
	stays(t, live.Path, m)
	elsewhere := sync.OnceValue(func() error { return errors.Join(os.Remove(link), os.Symlink(b, link)) })
	r, err := aeroplane.Read(t.Context(), link, now, func(aeroplane.Progress) { elsewhere() })
	if err := errors.Join(err, elsewhere()); err != nil || len(r.Projects) != 10 {
		t.Error("it is not seen that a link leads elsewhere", r, err)
	}
	if now := look(t, link); now.SameFile(m) || now.Same(m) {
		t.Error("it is not seen that a link leads elsewhere")
	}
	if got := names(t, dir); got != "link x?mode=rwc" {
		t.Error(got)
	}
}

// What happens to the files during a Read, and between two Looks. What is read in the end is what is there then, if that can be told.
func TestMoved(t *testing.T) {
	t.Parallel()
	remove := func(suffix string) func(string, string) error {
		return func(path, _ string) error { return os.Remove(path + suffix) }
	}
	copied := func(path, backup string) error {
		text, err := os.ReadFile(backup)
		return errors.Join(err, os.WriteFile(path, text, 0o600))
	}
	const (
		one, ten = "1 projects", "10 projects" // Aeroplane's own, and the backup's
		none     = "there is no file"
		restart  = "estart Aeroplane"
	)
	for name, c := range map[string]struct {
		move func(path, backup string) error
		// What comes of a Read, by what Aeroplane is. A log that was left there belongs to whatever file is before it: so SQLite reads it.
		want map[string]string
	}{
		"removed": {remove(""), map[string]string{"at work": none, "stopped": none, "crashed": none}},
		"moved": {func(path, _ string) error { return os.Rename(path, path+".old") },
			map[string]string{"at work": none, "stopped": none, "crashed": none}},
		"replaced": {func(path, backup string) error { return os.Rename(backup, path) },
			map[string]string{"at work": restart, "stopped": ten, "crashed": one}},
		"a backup was copied over it": {copied, map[string]string{"at work": one, "stopped": ten, "crashed": one}},
		"a backup was copied over it, and what was beside it was removed": {func(path, backup string) error {
			return errors.Join(copied(path, backup), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		}, map[string]string{"at work": restart, "crashed": ten}},
		"the log was removed":   {remove("-wal"), map[string]string{"at work": restart, "crashed": restart}},
		"the index was removed": {remove("-shm"), map[string]string{"at work": restart, "crashed": one}},
		"the log was made anew": {func(path, _ string) error {
			// Beside the old one, lest the new one gets its number.
			return errors.Join(os.Rename(path+"-wal", path+".old"), os.WriteFile(path+"-wal", nil, 0o600))
		}, map[string]string{"at work": "cannot be read", "crashed": "has none of Aeroplane's tables"}},
	} {
		for state, want := range c.want {
			t.Run(name+" while Aeroplane is "+state, func(t *testing.T) {
				t.Parallel()
				backup := stopped(t).Path
				a := aeroplanetest.Start(t)
				a.Project("a", "", "a")
				switch state {
				case "stopped":
					a.Stop()
				case "crashed":
					a.Crash()
				}
				before := settled(t, a.Path)
				move := sync.OnceValue(func() error { return c.move(a.Path, backup) })
				r, err := aeroplane.Read(t.Context(), a.Path, now, func(aeroplane.Progress) { move() })
				if err := move(); err != nil {
					t.Fatal(err)
				}
				got := fmt.Sprint(err)
				if err == nil {
					got = fmt.Sprintf("%d projects", len(r.Projects))
				}
				if !strings.Contains(got, want) {
					t.Errorf("want %s: %s", want, got)
				}
				if want == none {
					unseen(t, a.Path, authz.FailedPrecondition, none)
				} else if after := look(t, a.Path); after.Same(before) || after.SameFile(before) != (name != "replaced") {
					t.Errorf("same %v, of the same file %v", after.Same(before), after.SameFile(before))
				}
			})
		}
	}
}

// An index without a log, or none although somebody has the database open, is somebody's work: what was in the log is missing.
func TestWhatWasTakenAway(t *testing.T) {
	t.Parallel()
	for _, suffixes := range [][]string{{"-wal"}, {"-shm"}, {"-wal", "-shm"}} {
		a := aeroplanetest.Start(t)
		a.Project("a", "", "a")
		for _, suffix := range suffixes {
			if err := os.Remove(a.Path + suffix); err != nil {
				t.Fatal(err)
			}
		}
		before := names(t, a.Dir)
		_, err := aeroplane.Read(t.Context(), a.Path, now, nil)
		if err == nil || !strings.Contains(err.Error(), "estart Aeroplane") {
			t.Errorf("%v: %v", suffixes, err)
		}
		if after := names(t, a.Dir); after != before {
			t.Errorf("%v: %s became %s", suffixes, before, after)
		}
	}
}

func TestTheLogOfACrashWasTakenAway(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Crash()
	if err := os.Remove(a.Path + "-wal"); err != nil {
		t.Fatal(err)
	}
	untouched(t, a.Dir, func() { refuses(t, a.Path, authz.FailedPrecondition, "a -shm without a -wal", "restart Aeroplane") })
}

// A journal beside a database that nobody has open is a change that was cut off, whatever mode it was to be in.
func TestAJournalBesideALog(t *testing.T) {
	t.Parallel()
	a := stopped(t)
	if err := os.WriteFile(a.Path+"-journal", []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
	untouched(t, a.Dir, func() { refuses(t, a.Path, authz.FailedPrecondition, "was interrupted in a change", "start it") })
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	a := stopped(t)
	sound(t, a.Path)
	rewrite(t, a.Path, func(db []byte) []byte { // in a page of deployments, behind the columns that are read
		at := bytes.LastIndex(db, bytes.Repeat([]byte("x"), 400))
		page := at / 4096 * 4096
		slices.Reverse(db[page+8 : page+12]) // where the first two rows are
		slices.Reverse(db[page+8 : page+10])
		slices.Reverse(db[page+10 : page+12])
		return db
	})
	complaint(t, aeroplane.Check(t.Context(), a.Path), authz.FailedPrecondition, "is damaged", "restore it from a backup", "out of order")
}

func TestContextsAndProgress(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Fill(10, 100, 25000, 0)
	var told []aeroplane.Progress
	if _, err := aeroplane.Read(t.Context(), a.Path, now, func(p aeroplane.Progress) { told = append(told, p) }); err != nil {
		t.Fatal(err)
	}
	if last := told[len(told)-1].Rows; last != 25110 || len(told) != 9 {
		t.Error(told)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if _, err := aeroplane.Read(ctx, a.Path, now, func(p aeroplane.Progress) {
		if p.Rows == 20000 {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) || authz.KindOf(err) != authz.Unavailable {
		t.Error(err)
	}
	if _, err := aeroplane.Read(ctx, a.Path, now, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := aeroplane.Check(ctx, a.Path); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := len(read(t, a.Path).Deployments); got != 25000 {
		t.Error(got)
	}
}
