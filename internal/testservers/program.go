// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// A Program is a process that ends with the test that started it. Its methods may be called from any goroutine.
type Program struct{ process *process }

// FreeAddress returns a loopback host and port that was free a moment ago, for a program to listen on.
func FreeAddress() (string, error) {
	port, err := freePort()
	return "127.0.0.1:" + strconv.Itoa(port), err
}

// StartProgram starts a program of any kind. It is ended by force when the test ends, however that comes about.
func StartProgram(t testing.TB, cmd *exec.Cmd) (*Program, error) {
	t.Helper()
	cmd.SysProcAttr = attributes(nil, syscall.SIGKILL)
	process, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	p := &Program{process}
	t.Cleanup(live.add(p.Kill))
	return p, nil
}

// Pid returns the number of the process.
func (p *Program) Pid() int { return p.process.cmd.Process.Pid }

// Done is closed when the program has ended, and Err then says how. Nil: with exit code 0.
func (p *Program) Done() <-chan struct{} { return p.process.done }

// Err says how the program ended, once Done is closed.
func (p *Program) Err() error { return p.process.err }

// Ended reports whether the program has ended.
func (p *Program) Ended() bool { return p.process.ended() }

// Signal sends a signal to the program, and none if it has ended.
func (p *Program) Signal(sig syscall.Signal) {
	_ = p.process.cmd.Process.Signal(sig) // which fails when it has ended
}

// Kill ends the program by force, frozen or not, and returns when it is gone.
func (p *Program) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.process.done
}
