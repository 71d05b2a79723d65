// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Options say how StartPostgres starts a server. The zero Options will do.
type Options struct {
	// Settings are parameters of the server, by name, beside or instead of our own. An empty one is left to the server,
	// and so to ALTER SYSTEM.
	Settings map[string]string
	// Files are put into the data directory, for the server alone to read: server.crt and server.key, for TLS.
	Files map[string][]byte
}

// settings returns the parameters of a server, each as name=value. Nothing is traded for speed that a store relies on.
func settings(extra map[string]string) []string {
	all := map[string]string{
		"max_connections":    "200",
		"shared_buffers":     "16MB",
		"fsync":              "on",
		"synchronous_commit": "on",
		// Files in the data directory, which goes, in place of shared memory, which a killed server would leave.
		"dynamic_shared_memory_type": "mmap",
	}
	for name, value := range extra {
		all[name] = value
		if value == "" {
			delete(all, name)
		}
	}
	var list []string
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// A PostgresProcess is a server of one test's own, to stop, kill and freeze. Its methods are for that test's goroutine.
type PostgresProcess struct {
	*PostgresServer
	controlled
	bin     string
	options Options
	as      *syscall.Credential
	dir     *tempDir
}

// StartPostgres starts a server of the test's own, which ends with it.
func StartPostgres(t testing.TB, o Options) *PostgresProcess {
	t.Helper()
	bin, err := findPostgres()
	if err != nil {
		t.Fatal(err)
	}
	if bin == "" {
		if dockerWorks() {
			t.Skip("a server in a container cannot be killed and frozen like a process: install Postgres to run this")
		}
		missing(t, howToGet)
	}
	p, err := newPostgresProcess(bin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(live.add(p.close))
	return p
}

// Start starts the server again, on the same data and the same port, and returns when it answers.
func (p *PostgresProcess) Start(t testing.TB) {
	t.Helper()
	if !p.process.ended() {
		t.Fatal("the server is running")
	}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop shuts the server down as an administrator would: transactions are rolled back, connections ended.
func (p *PostgresProcess) Stop(t testing.TB) {
	t.Helper()
	if err := p.process.end(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// newPostgresProcess makes a data directory and starts a server on it.
func newPostgresProcess(bin string, o Options) (*PostgresProcess, error) {
	p, err := makePostgresProcess(bin, o, (*PostgresProcess).initialise)
	if err != nil {
		return nil, err
	}
	if err := p.prepare(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// makePostgresProcess starts a server on a data directory that fill fills.
func makePostgresProcess(bin string, o Options, fill func(*PostgresProcess) error) (*PostgresProcess, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := newTempDir(as)
	if err != nil {
		return nil, err
	}
	p := &PostgresProcess{bin: bin, options: o, as: as, dir: dir, PostgresServer: newServer("")}
	if err := fill(p); err != nil {
		_ = dir.remove()
		return nil, err
	}
	for range 5 { // somebody else may take the port before the server does
		var port int
		if port, err = freePort(); err != nil {
			break
		}
		p.address = "127.0.0.1:" + strconv.Itoa(port)
		if err = p.start(); err == nil {
			break
		}
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// initialise makes the data directory. It need not be durable yet: the server's own writes are.
func (p *PostgresProcess) initialise() error {
	secret := filepath.Join(p.dir.path, "password")
	if err := p.give(secret, []byte(p.passwords[admin])); err != nil {
		return err
	}
	cmd := p.command("initdb", "--pgdata", p.data(), "--username", admin, "--pwfile", secret, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	initdb, err := startProcess(cmd)
	if err != nil {
		return err
	}
	if <-initdb.done; initdb.err != nil {
		return fmt.Errorf("initdb: %w\n%s", initdb.err, out.Bytes())
	}
	for name, content := range p.options.Files {
		if err := p.give(filepath.Join(p.data(), name), content); err != nil {
			return err
		}
	}
	return os.Remove(secret)
}

// give writes a file that the server's user alone may read.
func (p *PostgresProcess) give(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil || p.as == nil {
		return err
	}
	return os.Chown(path, int(p.as.Uid), int(p.as.Gid))
}

// start starts the server at its address and returns when it answers. It tries again for a while, because the remains
// of a killed server may take a moment to go.
func (p *PostgresProcess) start() error {
	var err error
	for attempt := range 5 {
		time.Sleep(time.Duration(attempt) * 5 * poll)
		if err = p.startOnce(); err == nil {
			return nil
		}
	}
	log, _ := os.ReadFile(p.log())
	return fmt.Errorf("postgres: %w\n%s", err, log)
}

func (p *PostgresProcess) startOnce() error {
	host, port, _ := strings.Cut(p.address, ":")
	args := []string{"-D", p.data(),
		"-c", "listen_addresses=" + host, "-c", "port=" + port, "-c", "unix_socket_directories="}
	for _, setting := range settings(p.options.Settings) {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	if p.process, err = startProcess(cmd); err != nil {
		return err
	}
	if err := p.await(p.process); err != nil {
		_ = p.process.end(syscall.SIGQUIT)
		return err
	}
	return nil
}

// command returns a command of Postgres that runs as whom the server runs as. A server that is sent SIGQUIT stops at
// once, and unlike one that is killed it gives back its shared memory. Variables that steer Postgres are kept from it.
func (p *PostgresProcess) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir.path, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(p.as, syscall.SIGQUIT)
	return cmd
}

func (p *PostgresProcess) data() string { return filepath.Join(p.dir.path, "data") }
func (p *PostgresProcess) log() string  { return filepath.Join(p.dir.path, "log") }

// close ends the server and removes all that is left of it.
func (p *PostgresProcess) close() {
	if p.process != nil {
		_ = p.process.end(syscall.SIGQUIT)
	}
	p.releaseMemory()
	_ = p.dir.remove()
}

// releaseMemory gives back the segment of shared memory by which a server that was killed, and not started again,
// guards its data. The file that names it exists only then.
func (p *PostgresProcess) releaseMemory() {
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		return
	}
	if lines := strings.Split(string(text), "\n"); len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 { // its key and its id
			_ = exec.Command("ipcrm", "-m", fields[1]).Run()
		}
	}
}
