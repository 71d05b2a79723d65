// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A Proxy is a reverse proxy of one test's own, with the configuration that the test gives it. Its methods are for that test's goroutine.
type Proxy struct {
	controlled
	dir *tempDir
}

// Nginx starts nginx with a nginx.conf that listens on an address.
func Nginx(t testing.TB, config, address string) *Proxy {
	t.Helper()
	return startProxy(t, address, map[string]string{"nginx.conf": config}, needProgram(t, "nginx"),
		"-p", ".", "-c", "nginx.conf", "-g", "daemon off; pid nginx.pid; error_log stderr;")
}

// HAProxy starts HAProxy with a haproxy.cfg that listens on an address, and the files that this names.
func HAProxy(t testing.TB, files map[string]string, address string) *Proxy {
	t.Helper()
	return startProxy(t, address, files, needProgram(t, "haproxy"), "-db", "-f", "haproxy.cfg")
}

// Caddy starts Caddy with a Caddyfile that listens on an address.
func Caddy(t testing.TB, config, address string) *Proxy {
	t.Helper()
	caddy := Tool(t, "caddy") // since Debian's is older than our configuration is safe with
	return startProxy(t, address, map[string]string{"Caddyfile": config}, caddy, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
}

// startProxy starts a program in a directory with files, and returns when somebody listens on the address.
func startProxy(t testing.TB, address string, files map[string]string, program string, args ...string) *Proxy {
	t.Helper()
	as, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	p := new(Proxy)
	if p.dir, err = newTempDir(as); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(live.add(p.close))
	if err := p.start(as, address, files, program, args); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, p.Log())
	}
	return p
}

func (p *Proxy) start(as *syscall.Credential, address string, files map[string]string, program string, args []string) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(p.dir.path, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	log, err := os.Create(p.log())
	if err != nil {
		return err
	}
	defer log.Close()
	// Of a home that it can write to, it needs the directory.
	cmd := exec.Command(program, args...)
	cmd.Dir = p.dir.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir.path, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(as, syscall.SIGTERM) // upon which nginx ends its workers, and they end
	cmd.Stdout, cmd.Stderr = log, log
	if p.process, err = startProcess(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		select {
		case <-p.process.done:
			cancel(fmt.Errorf("it ended: %w", p.process.err))
		case <-ctx.Done():
		}
	}()
	return Await(ctx, address)
}

// Await returns when somebody listens on an address.
func Await(ctx context.Context, address string) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		if conn, err := net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return errors.New("nobody listens on " + address)
}

func (p *Proxy) log() string { return filepath.Join(p.dir.path, "log") }

// Workers returns the numbers of the processes that the proxy has started.
func (p *Proxy) Workers() []int { return children(p.Pid()) }

// Log returns what the proxy has written.
func (p *Proxy) Log() string {
	text, err := os.ReadFile(p.log())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// close ends the proxy and removes all that is left of it.
func (p *Proxy) close() {
	if p.process != nil {
		_ = p.process.end(syscall.SIGTERM)
	}
	_ = p.dir.remove()
}
