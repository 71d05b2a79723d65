// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// asNobody does something as a user who owns nothing, and may do nothing that root may. Only this thread's rights on files change; it ends
// with its goroutine.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := syscall.Setfsuid(65534)
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// reachable lets everybody reach a directory of a test, and nobody but root write to it.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for range 2 { // what the test made for itself is one further up
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		dir = filepath.Dir(dir)
	}
}

func TestWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(*aeroplanetest.Aeroplane){
		"at work": func(*aeroplanetest.Aeroplane) {},
		"stopped": (*aeroplanetest.Aeroplane).Stop,
		"crashed": (*aeroplanetest.Aeroplane).Crash,
	} {
		a := aeroplanetest.Start(t)
		a.Project("a", "", "a")
		reachable(t, a.Dir)
		state(a)
		asNobody(t, func() {
			if err := os.WriteFile(a.Path, nil, 0); err == nil {
				t.Error("this is somebody who may write")
			}
			r, err := aeroplane.Read(t.Context(), a.Path, now, nil)
			if err != nil || len(r.Projects) != 1 {
				t.Errorf("%s: %v, %v", name, r, err)
			}
			if _, err := aeroplane.Look(a.Path); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestWhoMayNotRead(t *testing.T) {
	t.Parallel()
	const mayNot = "may not be read by the user of this process"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		a := aeroplanetest.Start(t)
		a.Project("a", "", "a")
		reachable(t, a.Dir)
		if err := os.Chmod(a.Path+suffix, 0o600); err != nil {
			t.Fatal(err)
		}
		asNobody(t, func() {
			refuses(t, a.Path, authz.FailedPrecondition, mayNot)
			if suffix == "-shm" {
				unseen(t, a.Path, authz.FailedPrecondition, mayNot)
			} else if _, err := aeroplane.Look(a.Path); err != nil { // which it does not open
				t.Error(err)
			}
		})
	}
	a := stopped(t)
	reachable(t, a.Dir)
	if err := os.Chmod(a.Dir, 0o600); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		refuses(t, a.Path, authz.FailedPrecondition, mayNot)
		unseen(t, a.Path, authz.FailedPrecondition, mayNot)
	})
}

func TestAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, path, authz.FailedPrecondition, "is not a file")
	unseen(t, path, authz.FailedPrecondition, "is not a file")
}

// What is beside the file is opened by SQLite, which would wait for ever for somebody to write to a pipe.
func TestAPipeBeside(t *testing.T) {
	t.Parallel()
	for suffix, state := range map[string]func(*aeroplanetest.Aeroplane){
		"-wal":     (*aeroplanetest.Aeroplane).Stop,
		"-journal": func(a *aeroplanetest.Aeroplane) { a.Exec("PRAGMA journal_mode = DELETE"); a.Stop() },
		"-shm":     (*aeroplanetest.Aeroplane).Crash,
	} {
		a := aeroplanetest.Start(t)
		a.Project("a", "", "a")
		state(a)
		_ = os.Remove(a.Path + suffix)
		if err := syscall.Mkfifo(a.Path+suffix, 0o600); err != nil {
			t.Fatal(err)
		}
		refused := make(chan struct{})
		go func() {
			defer close(refused)
			refuses(t, a.Path, authz.FailedPrecondition, "is not a file")
		}()
		select {
		case <-refused:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it waits", suffix)
		}
	}
}
