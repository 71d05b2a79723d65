// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each text on the list is in its file, once: who changes a guard is told at once that a mutant goes with it.
func TestListFits(t *testing.T) {
	mutants, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir("../../..") // where it is run
	for _, m := range mutants {
		if _, err := m.overlay(filepath.Join(dir, strconv.Itoa(m.line))); err != nil {
			t.Errorf("line %d: %s: %v", m.line, m.name, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("# a comment\nmutant: one\nfile: a.go\n-\told: 1\n-\told 2\n+\tnew\n-\tanother\nfile: b.go\n-x\n+y\nby: unit tests\n" +
		"\nmutant: two\nbroken: beats\n" +
		"\nmutant: three\nfile: internal/b/c.sql\n--- x\nby: TestX/part in internal/a\nsays: no: 1\n")
	want := []mutant{
		{line: 2, name: "one", by: tests{in: "internal/fence"}, edits: []edit{
			{"a.go", "\told: 1\n\told 2\n", "\tnew\n"}, {"a.go", "\tanother\n", ""}, {"b.go", "x\n", "y\n"}}},
		{line: 13, name: "two", broken: "beats"},
		{line: 16, name: "three", by: tests{"TestX/part", "internal/a", "no: 1"}, edits: []edit{{"internal/b/c.sql", "-- x\n", ""}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mutant{}, edit{}, tests{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"file: a.go":                            "no mutant yet",
		"mutant: m\n-x":                         "no file yet",
		"mutant: m\nfile: a.go\n+x":             "nothing to find",
		"mutant: m":                             "like the original",
		"mutant: m\nfile: a.go\n-x\nsomething":  "neither text nor",
		"mutant: m\nfile: a.go\n-x\nby: magic":  "without its package",
		"mutant: m\nfile: a.go\n-x\nby: T in p": "without what it says",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
