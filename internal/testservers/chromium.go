// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// A Browser is a Chromium without a window, which the tests of one binary share. It is told what to do over two pipes, and by nobody
// else: a port would be open to every user of the machine. Messages of the DevTools protocol end with a zero byte.
type Browser struct {
	Commands io.WriteCloser
	Answers  io.ReadCloser

	process *process
	dir     *tempDir
}

var sharedBrowser struct {
	once    sync.Once
	browser *Browser
	err     error
}

// Chromium returns the browser that the tests of this binary share. The first call starts it.
func Chromium(t testing.TB) *Browser {
	t.Helper()
	if !live.inCharge() {
		t.Fatal("TestMain must call testservers.Main, so that the browser is stopped in the end")
	}
	program := needProgram(t, "chromium")
	sharedBrowser.once.Do(func() { sharedBrowser.browser, sharedBrowser.err = startBrowser(program) })
	if sharedBrowser.err != nil {
		t.Fatal(sharedBrowser.err)
	}
	return sharedBrowser.browser
}

func startBrowser(program string) (*Browser, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	b := new(Browser)
	if b.dir, err = newTempDir(as); err != nil {
		return nil, err
	}
	if err := b.start(program, as); err != nil {
		b.close()
		return nil, err
	}
	live.add(b.close)
	return b, nil
}

// flags of a browser that tests drive: it asks nothing and nobody, and draws no page less for being behind another.
var flags = []string{
	"--headless", "--remote-debugging-pipe", "--no-startup-window",
	"--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-component-update",
	"--disable-background-networking", "--disable-default-apps", "--disable-breakpad", "--password-store=basic", "--use-mock-keychain",
	"--disable-gpu", "--disable-quic", "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US",
	"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
	// In a container there may be little shared memory; and what is in files goes with the directory.
	"--disable-dev-shm-usage",
	// Whatever asks for another host, it does not get beyond this machine.
	"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
}

func (b *Browser) start(program string, as *syscall.Credential) error {
	log, err := os.Create(b.log())
	if err != nil {
		return err
	}
	defer log.Close()
	commands, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer commands.Close()
	reader, answers, err := os.Pipe()
	if err != nil {
		_ = writer.Close()
		return err
	}
	defer answers.Close()
	b.Commands, b.Answers = writer, reader

	cmd := exec.Command(program, append(flags, "--user-data-dir="+filepath.Join(b.dir.path, "profile"))...)
	if as != nil {
		// The sandbox needs what root has not always to give away, as in a container. Who runs as nobody has little to lose.
		cmd.Args = append(cmd.Args, "--no-sandbox")
	}
	cmd.Dir = b.dir.path
	// It makes a socket among its temporary files, whose whole path may have but a hundred bytes. So that is relative.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir.path, "TMPDIR=.", "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = attributes(as, syscall.SIGKILL)
	cmd.ExtraFiles = []*os.File{commands, answers} // which are 3 and 4 there
	cmd.Stdout, cmd.Stderr = log, log
	if b.process, err = startProcess(cmd); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}

func (b *Browser) log() string { return filepath.Join(b.dir.path, "log") }

// Pid returns the number of the process that all others of the browser come from.
func (b *Browser) Pid() int { return b.process.cmd.Process.Pid }

// Log returns what the browser has written.
func (b *Browser) Log() string {
	text, err := os.ReadFile(b.log())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// close ends the browser and removes all that is left of it.
func (b *Browser) close() {
	if b.process != nil {
		_ = b.process.end(syscall.SIGTERM)
	}
	for _, pipe := range []io.Closer{b.Commands, b.Answers} {
		if pipe != nil {
			_ = pipe.Close() // who speaks to it may have closed it
		}
	}
	_ = b.dir.remove()
}
