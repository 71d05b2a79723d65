// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RedisOptions say how StartRedis starts a server. The zero RedisOptions will do: it then keeps everything in memory.
type RedisOptions struct {
	// Config are lines of its configuration file, after our own: where two set the same, the later one counts.
	Config []string
	// Files are put into its directory, where file names in Config lead.
	Files map[string][]byte
	// TLS makes it speak TLS alone. Config and Files then say with what.
	TLS bool
	// sentinel makes it a Sentinel.
	sentinel bool
}

// A RedisServer is a server of one test's own, to stop, kill and freeze. Its methods are for that test's goroutine.
type RedisServer struct {
	controlled
	bin     string
	options RedisOptions
	as      *syscall.Credential
	dir     *tempDir
	address string
}

// Redis starts a server of the test's own, which ends with it. It keeps everything in memory.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return StartRedis(t, RedisOptions{})
}

// StartRedis starts a server of the test's own, which ends with it.
func StartRedis(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	s, err := newRedis(needProgram(t, "redis-server"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(live.add(s.close))
	return s
}

// Addr returns the host and port that the server listens on.
func (s *RedisServer) Addr() string { return s.address }

// Start starts the server again, on the same port, and returns when it answers. What it had in memory is gone.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	if !s.process.ended() {
		t.Fatal("the server is running")
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Restart stops the server and starts it again.
func (s *RedisServer) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

// Stop shuts the server down as an administrator would.
func (s *RedisServer) Stop(t testing.TB) {
	t.Helper()
	if err := s.process.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// newRedis makes a directory and starts a server in it.
func newRedis(bin string, o RedisOptions) (*RedisServer, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := newTempDir(as)
	if err != nil {
		return nil, err
	}
	s := &RedisServer{bin: bin, options: o, as: as, dir: dir}
	for name, content := range o.Files {
		if err := s.give(name, content); err != nil {
			s.close()
			return nil, err
		}
	}
	for range 5 { // somebody else may take the port before the server does
		var port int
		if port, err = freePort(); err != nil {
			break
		}
		s.address = "127.0.0.1:" + strconv.Itoa(port)
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	s.close()
	return nil, err
}

// config returns the configuration file.
func (s *RedisServer) config() []byte {
	host, port, _ := strings.Cut(s.address, ":")
	lines := []string{"bind " + host, "port " + port}
	if s.options.TLS {
		lines = []string{"bind " + host, "port 0", "tls-port " + port}
	}
	if !s.options.sentinel {
		lines = append(lines, `save ""`, "appendonly no")
	}
	lines = append(lines, s.options.Config...)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// give writes a file that the server's user alone may read, and the server may change.
func (s *RedisServer) give(name string, content []byte) error {
	path := filepath.Join(s.dir.path, name)
	if err := os.WriteFile(path, content, 0o600); err != nil || s.as == nil {
		return err
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

// start starts the server at its address and returns when it answers.
func (s *RedisServer) start() error {
	const name = "redis.conf"
	if err := s.give(name, s.config()); err != nil {
		return err
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{name}
	if s.options.sentinel {
		args = append(args, "--sentinel")
	}
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = s.dir.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir.path, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(s.as, syscall.SIGKILL) // it leaves nothing behind that is not in its directory
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = startProcess(cmd); err != nil {
		return err
	}
	if err := s.await(); err != nil {
		_ = s.process.end(syscall.SIGKILL)
		text, _ := os.ReadFile(s.log())
		return fmt.Errorf("redis-server: %w\n%s", err, text)
	}
	return nil
}

func (s *RedisServer) log() string { return filepath.Join(s.dir.path, "log") }

// await returns when the server answers, or has ended.
func (s *RedisServer) await() error {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !s.process.ended(); time.Sleep(poll) {
		if err = s.ping(); err == nil {
			return nil
		}
	}
	if err == nil {
		err = fmt.Errorf("it ended: %w", s.process.err)
	}
	return err
}

// ping returns nil when the server answers, be it that it wants a password.
func (s *RedisServer) ping() error {
	if s.options.TLS { // it may want a certificate before it says anything
		conn, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		return conn.Close()
	}
	answer, err := s.do("PING")
	if err == nil && !strings.HasPrefix(answer, "+PONG") && !strings.HasPrefix(answer, "-NOAUTH") {
		err = fmt.Errorf("PING is answered by %q", answer)
	}
	return err
}

// do sends one command and returns the beginning of its reply, as Redis writes it.
func (s *RedisServer) do(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", s.address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	reply := make([]byte, 4096)
	n, err := conn.Read(reply)
	return string(reply[:n]), err
}

// close ends the server and removes all that is left of it.
func (s *RedisServer) close() {
	if s.process != nil {
		_ = s.process.end(syscall.SIGKILL)
	}
	_ = s.dir.remove()
}
