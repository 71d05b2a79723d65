// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAProgramMayHaveAnotherName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	otherNames["no-such-program"] = []string{"nor-this", "another-name"}
	t.Cleanup(func() { delete(otherNames, "no-such-program") })
	if path, err := findProgram("no-such-program"); path != "" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
	want := filepath.Join(dir, "another-name")
	if err := os.WriteFile(want, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if path, err := findProgram("no-such-program"); path != want || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}

func TestWhatIsMissingIsSaidWithItsRemedy(t *testing.T) {
	for remedy, need := range map[string]func(testing.TB){
		"Run `make .bin/no-such-tool`":                func(t testing.TB) { Tool(t, "no-such-tool") },
		"set AEROPLANE_AUTHZ_TEST_NO_SUCH_PROGRAM to": func(t testing.TB) { needProgram(t, "no-such-program") },
	} {
		if err := Run(t.Context(), "program", need); err == nil || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%v, want %s", err, remedy)
		}
	}
}

func TestToolsAreFoundFromBelow(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "some", "package")
	want := filepath.Join(root, ".bin", "tool")
	for _, dir := range []string{below, filepath.Dir(want)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(want, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	if got := Tool(t, "tool"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
