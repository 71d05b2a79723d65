// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

func TestHelper(t *testing.T) {
	how := os.Getenv(helperVariable)
	if how == "" {
		t.Skip("only run by the other tests")
	}
	server := testservers.StartPostgres(t, testservers.Options{})
	db := open(t, server.DSN("postgres"))
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	if how == "frozen" {
		server.Signal(t, syscall.SIGSTOP)
	}
	fmt.Println("ready")
	select {}
}

func TestServersEndWithTheProcessThatStartedThem(t *testing.T) {
	testservers.Postgres(t) // or there is nothing to test
	for _, test := range []struct {
		how  string
		sig  syscall.Signal
		left int // directories
	}{
		{"running", syscall.SIGKILL, 1},
		{"frozen", syscall.SIGKILL, 1},
		{"running", syscall.SIGTERM, 0},
		{"running", os.Interrupt.(syscall.Signal), 0},
	} {
		t.Run(test.how+"/"+test.sig.String(), func(t *testing.T) {
			dir := publicDir(t)
			startHelper(t, dir, test.how, test.sig)
			until(t, "its server to end", func() bool { return len(processesIn(dir)) == 0 })
			if left := serverDirs(t, dir); len(left) != test.left {
				t.Errorf("%d directories are left, want %d: %v", len(left), test.left, left)
			}
		})
	}
}

func TestTheNextStartRemovesWhatAKilledProcessLeft(t *testing.T) {
	testservers.Postgres(t)
	dir := publicDir(t)
	startHelper(t, dir, "running", syscall.SIGKILL)
	until(t, "its server to end", func() bool { return len(processesIn(dir)) == 0 })

	t.Setenv("TMPDIR", dir)
	t.Run("new", func(t *testing.T) { testservers.StartPostgres(t, testservers.Options{}) })
	if left := serverDirs(t, dir); len(left) != 1 {
		t.Fatalf("a directory that may be about to be locked was removed: %v are left", left)
	}
	t.Run("old", func(t *testing.T) {
		held := testservers.StartPostgres(t, testservers.Options{})
		for _, path := range serverDirs(t, dir) {
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		testservers.StartPostgres(t, testservers.Options{})
		if left := serverDirs(t, dir); len(left) != 2 {
			t.Errorf("%v are left", left)
		}
		if err := open(t, held.DSN("postgres")).Ping(); err != nil {
			t.Errorf("the directory of a live server was removed: %v", err)
		}
	})
}

// startHelper runs a process that starts a server in dir, and sends the process sig once it has.
func startHelper(t *testing.T, dir, how string, sig syscall.Signal) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.v")
	cmd.Env = append(os.Environ(), helperVariable+"="+how, "TMPDIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
	}
	if len(processesIn(dir)) == 0 {
		t.Error("the helper started no server")
	}
	_ = cmd.Process.Signal(sig)
	for lines.Scan() {
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != sig {
		t.Errorf("the helper ended with %v, want signal %v", err, sig)
	}
}

func serverDirs(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "aeroplane-authz-test-*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestNothingIsLeftOfAPair(t *testing.T) {
	dir := publicDir(t)
	t.Setenv("TMPDIR", dir)
	t.Run("killed", func(t *testing.T) {
		pair := testservers.StartPostgresPair(t, testservers.PairOptions{})
		pair.Standby().Freeze(t)
		pair.Primary().Kill(t)
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are left", err, left)
	}
	if left := processesIn(dir); len(left) > 0 {
		t.Errorf("%v still run", left)
	}
}

// processesIn returns the processes that work in dir.
func processesIn(dir string) []string {
	var found []string
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) { // others' may be hidden
			found = append(found, link)
		}
	}
	return found
}

// until waits for what other processes do.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
