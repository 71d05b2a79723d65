// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

// helperVariable makes this binary, run by itself, open a page and wait to be killed.
const helperVariable = "BROWSERTEST_HELPER"

func TestHelper(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		t.Skip("only run by the other tests")
	}
	Open(t, serve(t, "<p>text</p>", "", ""))
	fmt.Println("ready")
	select {}
}

func TestTheBrowserEndsWithTheProcessThatStartedIt(t *testing.T) {
	testservers.Chromium(t) // or there is nothing to test
	for _, test := range []struct {
		sig  syscall.Signal
		left int // directories
	}{{syscall.SIGKILL, 1}, {syscall.SIGTERM, 0}} {
		t.Run(test.sig.String(), func(t *testing.T) {
			// The browser is known by this name. It is long, which must not matter.
			dir, err := os.MkdirTemp("", "browsertest-"+strings.Repeat("x", 60))
			if err == nil {
				err = os.Chmod(dir, 0o777)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })

			cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.v")
			cmd.Env = append(os.Environ(), helperVariable+"=1", "TMPDIR="+dir)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "ready" {
			}
			if len(processesOf(dir)) == 0 {
				t.Error("the helper started no browser")
			}
			_ = cmd.Process.Signal(test.sig)
			_ = cmd.Wait()
			for deadline := time.Now().Add(patience); len(processesOf(dir)) > 0; time.Sleep(poll) {
				if time.Now().After(deadline) {
					t.Fatalf("still there: %q", processesOf(dir))
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != test.left {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

// processesOf returns the command lines that name a directory: those of a browser, and of all processes that it starts, do.
func processesOf(dir string) (found []string) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		line, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if err == nil && strings.Contains(string(line), dir) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
