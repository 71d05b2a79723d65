// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	// binVariable names the directory of Postgres' programs, where they are not found otherwise.
	binVariable = "AEROPLANE_AUTHZ_TEST_POSTGRES_BIN"
	// requireVariable makes a missing server a failure instead of a reason to skip.
	requireVariable = "AEROPLANE_AUTHZ_TEST_REQUIRE"
)

// howToGet says what somebody without Postgres can do.
const howToGet = "no Postgres server was found. Run `make test` as root on Debian or Ubuntu, which installs one; " +
	"or install the package `postgresql` (Homebrew: `postgresql@17`); or set " + binVariable + " to the directory " +
	"that holds `postgres` and `initdb`; or start Docker"

// missing ends a test for want of a server.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(requireVariable) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// findPostgres returns the directory of Postgres' programs, and "" where there is none. scripts/install-postgres looks
// in the same places.
func findPostgres() (dir string, err error) {
	if dir := os.Getenv(binVariable); dir != "" {
		if !holdsPostgres(dir) {
			return "", fmt.Errorf("%s is %q, which does not hold `postgres` and `initdb`", binVariable, dir)
		}
		return dir, nil
	}
	var candidates []string
	for _, name := range []string{"postgres", "initdb"} {
		if path, err := exec.LookPath(name); err == nil {
			candidates = append(candidates, filepath.Dir(path))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	candidates = append(candidates, newestFirst("/usr/lib/postgresql/*/bin")...)
	candidates = append(candidates, newestFirst("/opt/homebrew/opt/postgresql@*/bin")...)
	candidates = append(candidates, newestFirst("/usr/local/opt/postgresql@*/bin")...)
	candidates = append(candidates, "/opt/homebrew/opt/postgresql/bin", "/usr/local/opt/postgresql/bin")
	if i := slices.IndexFunc(candidates, holdsPostgres); i >= 0 {
		return candidates[i], nil
	}
	return "", nil
}

func holdsPostgres(dir string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return false
		}
	}
	return true
}

// newestFirst returns what the pattern matches, by the version number in place of its star, highest first.
func newestFirst(pattern string) []string {
	paths, _ := filepath.Glob(pattern)
	before, after, _ := strings.Cut(pattern, "*")
	version := func(path string) float64 {
		v, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(path, before), after), 64)
		return v
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return paths
}
