// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// patience bounds every wait for a process. It is generous: only what is broken ever takes that long.
const patience = time.Minute

// poll is how often a process is looked at while it is waited for.
const poll = 20 * time.Millisecond

// A process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	err  error         // how it ended; to be read after done
}

// startProcess starts cmd as a process that ends with this one.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The system ends the child when the thread that started it ends, so this one must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal sends a signal to the process and each of its children: a server that starts a process for each connection,
// in a session of its own, is not reached otherwise. It is stopped meanwhile, so that it makes no new ones.
func (p *process) signal(sig syscall.Signal) error {
	if p.ended() {
		return errors.New("the server is not running")
	}
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for _, child := range children(p.cmd.Process.Pid) {
		if err := syscall.Kill(child, sig); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	if sig != syscall.SIGSTOP {
		_ = p.cmd.Process.Signal(syscall.SIGCONT) // it may be gone
	}
	return nil
}

// end makes the process end with sig, sent to it alone, and by force if that takes too long.
func (p *process) end(sig syscall.Signal) error {
	if p.ended() {
		return nil
	}
	_ = p.signal(syscall.SIGCONT) // a frozen process would not see it
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		_ = p.signal(syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("the server did not end within %v of signal %v", patience, sig)
	}
}

// unprivileged returns whom a server is to run as: nil for ourselves, or, since servers refuse to run as root, nobody.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("no server may run as root, and there is no user to run it as: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// freePort returns a loopback port that was free a moment ago. It is below the range that the system hands out to
// outgoing connections, lest one of those takes it while the server is down.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		var l net.Listener
		if l, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}
