// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// needProgram returns the path of a program, and ends a test for want of it.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := findProgram(name)
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		missing(t, howToGetProgram(name))
	}
	return path
}

// programVariable names the variable with the path of a program, where it is not found otherwise.
func programVariable(name string) string {
	return "AEROPLANE_AUTHZ_TEST_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// howToGetProgram says what somebody without a program can do. Its name is that of Debian's package.
func howToGetProgram(name string) string {
	return fmt.Sprintf("no %s was found. Run `make test` as root on Debian or Ubuntu, which installs it; or install the package `%[1]s` "+
		"(Homebrew and others: `%s`); or set %s to the path of `%[1]s`", name, strings.TrimSuffix(name, "-server"), programVariable(name))
}

// otherNames has what a program is called elsewhere, and what will do instead.
var otherNames = map[string][]string{"chromium": {"chromium-browser", "google-chrome", "google-chrome-stable"}}

// findProgram returns the path of a program, and "" where there is none. scripts/install-server looks in the same places.
func findProgram(name string) (path string, err error) {
	if path := os.Getenv(programVariable(name)); path != "" {
		if !isProgram(path) {
			return "", fmt.Errorf("%s is %q, which is no program", programVariable(name), path)
		}
		return path, nil
	}
	for _, name := range append([]string{name}, otherNames[name]...) {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		for _, dir := range []string{"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/opt/homebrew/bin/"} {
			if isProgram(dir + name) {
				return dir + name, nil
			}
		}
	}
	return "", nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
