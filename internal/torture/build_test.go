// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/torture"
)

// program returns the path of the program that is tried, built if none was given.
func program(t *testing.T) string {
	t.Helper()
	if *binary == "" {
		return build(t, "aeroplane-authz")
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// earlier builds the program as it would be had there been no sessions yet when it was written, if a chosen fault needs it:
// what the log says of them is to it of a kind that nobody knows.
func earlier(t *testing.T, chosen []torture.Fault) string {
	t.Helper()
	if !slices.ContainsFunc(chosen, func(f torture.Fault) bool { return slices.Contains(f.Needs, torture.Two) }) {
		return ""
	}
	const file, known, then = "../sqlstore/log.go", "\tcase authz.OfKey, authz.OfSession:\n", "\tcase authz.OfKey:\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), known); n != 1 {
		t.Fatalf("%s has %d lines %q, and not one: what makes it an earlier version has to follow", file, n, known)
	}
	dir := t.TempDir()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	replacement := filepath.Join(dir, "log.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		replacement: strings.Replace(string(text), known, then, 1), filepath.Join(dir, "overlay"): string(overlay)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return build(t, "earlier", "-overlay", filepath.Join(dir, "overlay"))
}

func build(t *testing.T, name string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"build", "-o", path}, flags...)
	if *hooks {
		args = append(args, "-tags", "torture")
	}
	args = append(args, "aeroplane.run/authz/cmd/aeroplane-authz")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
