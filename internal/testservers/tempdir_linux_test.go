// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func TestNobodyWorksOnInADirectoryThatIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, deleted := range []bool{false, true} {
		dir, err := newTempDir(nil)
		if err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(dir.path, "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		left := exec.CommandContext(t.Context(), "sleep", "60")
		left.Dir = data
		if err := left.Start(); err != nil {
			t.Fatal(err)
		}
		if deleted {
			if err := os.Remove(data); err != nil {
				t.Fatal(err)
			}
		}
		if err := dir.remove(); err != nil {
			t.Error(err)
		}
		_ = left.Wait()
		if status := left.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
			t.Errorf("directory deleted %v: it ended with %v", deleted, left.ProcessState)
		}
	}
}
