// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
)

// now is the time of every Read here. Aeroplane's own clock is the real one.
var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func read(t testing.TB, path string) *aeroplane.Reading {
	t.Helper()
	r, err := aeroplane.Read(t.Context(), path, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// has checks which projects there are.
func has(t testing.TB, path string, ids ...string) {
	t.Helper()
	got := []string{}
	for _, p := range read(t, path).Projects {
		got = append(got, p.ID)
	}
	if diff := cmp.Diff(append([]string{}, ids...), got); diff != "" {
		t.Errorf("projects (-want +got):\n%s", diff)
	}
}

func sound(t testing.TB, path string) {
	t.Helper()
	if err := aeroplane.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
}

func look(t testing.TB, path string) aeroplane.Mark {
	t.Helper()
	m, err := aeroplane.Look(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// settled looks when what was written to the files was long enough ago, so that nothing but a change makes a Mark another.
func settled(t testing.TB, path string) aeroplane.Mark {
	t.Helper()
	for range 1000 {
		if m := look(t, path); m.Same(m) {
			return m
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it does not settle")
	return aeroplane.Mark{}
}

// stays checks that nothing is new since a settled Mark.
func stays(t testing.TB, path string, m aeroplane.Mark) {
	t.Helper()
	if now := look(t, path); !now.Same(m) || !now.SameFile(m) {
		t.Error("something is new")
	}
}

// changed checks that something is new in a file since a settled Mark, and returns the next one.
func changed(t testing.TB, path string, m aeroplane.Mark) aeroplane.Mark {
	t.Helper()
	if now := look(t, path); now.Same(m) || !now.SameFile(m) {
		t.Errorf("nothing is new, or the file is another: %v", !now.SameFile(m))
	}
	return settled(t, path)
}

// complaint checks the kind of an error, and words in it.
func complaint(t testing.TB, err error, kind authz.Kind, words ...string) {
	t.Helper()
	for _, word := range words {
		if authz.KindOf(err) != kind || !strings.Contains(err.Error(), word) {
			t.Errorf("want kind %d with %q: kind %d, %v", kind, word, authz.KindOf(err), err)
		}
	}
}

// refuses checks that a file is not read.
func refuses(t testing.TB, path string, kind authz.Kind, words ...string) {
	t.Helper()
	_, err := aeroplane.Read(t.Context(), path, now, nil)
	complaint(t, err, kind, words...)
	complaint(t, aeroplane.Check(t.Context(), path), kind, words...)
}

// unseen checks that a file cannot be looked at.
func unseen(t testing.TB, path string, kind authz.Kind, words ...string) {
	t.Helper()
	_, err := aeroplane.Look(path)
	complaint(t, err, kind, words...)
}

// contents are the files of a directory, each with its mode, time and hash. Nobody may have the database open.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
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
		found[e.Name()] = fmt.Sprintf("%v %v %x", info.Mode(), info.ModTime().UnixNano(), sha256.Sum256(text))
	}
	return found
}

// untouched does something, and checks that all files are as they were.
func untouched(t testing.TB, dir string, do func()) {
	t.Helper()
	before := contents(t, dir)
	do()
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("the directory is not as it was (-before +after):\n%s", diff)
	}
}

// names are the files of a directory.
func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }
