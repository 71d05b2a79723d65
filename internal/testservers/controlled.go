// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"syscall"
	"testing"
)

// A controlled server is one whose processes a test can meddle with.
type controlled struct{ process *process }

// Pid returns the number of the process that all others of the server come from.
func (c *controlled) Pid() int { return c.process.cmd.Process.Pid }

// Kill ends every process of the server at once, by force, as a crash would.
func (c *controlled) Kill(t testing.TB) {
	t.Helper()
	c.Signal(t, syscall.SIGKILL)
	<-c.process.done
}

// Freeze stops every process of the server where it is: it keeps its connections, and even gets new ones, but nothing is
// answered, and nothing is closed. Thaw wakes them.
func (c *controlled) Freeze(t testing.TB) {
	t.Helper()
	c.Signal(t, syscall.SIGSTOP)
}

// Thaw wakes what Freeze stopped.
func (c *controlled) Thaw(t testing.TB) {
	t.Helper()
	c.Signal(t, syscall.SIGCONT)
}

// Signal sends a signal to every process of the server.
func (c *controlled) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := c.process.signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Running reports whether the server's process has not ended. A frozen one has not.
func (c *controlled) Running() bool { return !c.process.ended() }
