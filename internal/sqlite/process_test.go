// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlite"
)

// The tests here need a second process. It is this program, with a task and a directory.
const (
	taskVariable = "AEROPLANE_AUTHZ_TEST_SQLITE_TASK"
	dirVariable  = "AEROPLANE_AUTHZ_TEST_SQLITE_DIR"
)

// work does a task, and returns the exit code. What it prints are the ids of keys whose creation was answered.
func work(task, dir string) int {
	s, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir, Migrate: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if task == "fill" {
		return fill(s, dir)
	}
	for i := 0; ; i++ {
		id := fmt.Sprint("key", i)
		if _, err := s.CreateKey(context.Background(), admin, newKey(id)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(id)
	}
}

// fill creates keys until the disk is full, which is to say, a limit on the size of files is reached; then there is
// space again, and it creates one more.
func fill(s *sqlite.Store, dir string) int {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	wal, err := os.Stat(filepath.Join(dir, "authz.db-wal"))
	if err == nil {
		err = syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(wal.Size()) + 1<<18, Max: limit.Max})
	}
	for i := 0; err == nil; i++ {
		id := fmt.Sprint("key", i)
		if _, err = s.CreateKey(context.Background(), admin, newKey(id)); err == nil {
			fmt.Println(id)
		}
	}
	if authz.KindOf(err) != authz.Unavailable {
		fmt.Fprintln(os.Stderr, "want Unavailable when the disk is full:", err)
		return 1
	}
	if _, err := s.Key(context.Background(), "key0"); err != nil {
		fmt.Fprintln(os.Stderr, "nothing can be read when the disk is full:", err)
		return 1
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := s.CreateKey(context.Background(), admin, newKey("after")); err != nil {
		fmt.Fprintln(os.Stderr, "nothing can be written when there is space again:", err)
		return 1
	}
	fmt.Println("after")
	return 0 // without closing
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "create", dir)
	p.next(t)
	refused(t, dir, fmt.Sprintf("process %d", p.Process.Pid))

	p.signal(t, syscall.SIGSTOP)
	refused(t, dir, fmt.Sprintf("process %d", p.Process.Pid))

	p.signal(t, syscall.SIGKILL)
	p.rest()
	_ = p.Wait()
	closed(t, open(t, dir))
}

func TestNothingAnsweredIsLostByAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var answered []string
	p := start(t, "create", dir)
	for range 200 {
		answered = append(answered, p.next(t))
	}
	p.signal(t, syscall.SIGKILL)
	answered = append(answered, p.rest()...)
	_ = p.Wait()
	has(t, dir, answered)
}

func TestNothingAnsweredIsLostByAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "fill", dir)
	answered := p.rest()
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(answered) < 2 {
		t.Fatal("the disk was full too early")
	}
	has(t, dir, answered)
}

// has checks that the directory holds the keys, and the audit record of each.
func has(t *testing.T, dir string, ids []string) {
	t.Helper()
	s := open(t, dir)
	defer s.Close()
	for _, id := range ids {
		if _, err := s.Key(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	events, err := s.Events(t.Context(), authz.EventFilter{}, authz.Page{Size: len(ids) + 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(events, func(e authz.Event) bool { return e.SubjectID == id }) {
			t.Errorf("no audit record of %s", id)
		}
	}
}

// A process does a task.
type process struct {
	*exec.Cmd
	out *bufio.Scanner
}

func start(t *testing.T, task, dir string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), taskVariable+"="+task, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &process{cmd, bufio.NewScanner(out)}
}

// next returns the next line that the process prints.
func (p *process) next(t *testing.T) string {
	t.Helper()
	if !p.out.Scan() {
		t.Fatal("the process ended")
	}
	return p.out.Text()
}

// rest returns the lines that the process prints until it ends.
func (p *process) rest() (lines []string) {
	for p.out.Scan() {
		lines = append(lines, p.out.Text())
	}
	return lines
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
