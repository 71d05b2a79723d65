// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

// Run gives do what a test has, for a program that is none: what fails ends do and is returned, and what do started is ended
// when it returns. The context ends with ctx, or when do has returned. What is missing is no reason to skip, but an error.
func Run(ctx context.Context, name string, do func(t testing.TB)) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &standIn{ctx: ctx, name: name}
	done := make(chan struct{})
	go func() { // of its own, which Fatal ends
		defer close(done)
		defer s.cleanUp()
		defer cancel()
		do(s)
	}()
	<-done
	return errors.Join(s.errs...)
}

// A standIn is all of a testing.TB that programs need. Its other methods panic.
type standIn struct {
	testing.TB
	ctx  context.Context
	name string

	mu       sync.Mutex
	errs     []error  // guarded by mu
	cleanups []func() // guarded by mu
}

func (s *standIn) Helper()                  {}
func (s *standIn) Name() string             { return s.name }
func (s *standIn) Context() context.Context { return s.ctx }

// Cleanup implements testing.TB.
func (s *standIn) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// cleanUp calls what was registered, the last first, each also when another one fails.
func (s *standIn) cleanUp() {
	s.mu.Lock()
	n := len(s.cleanups)
	if n == 0 {
		s.mu.Unlock()
		return
	}
	last := s.cleanups[n-1]
	s.cleanups = s.cleanups[:n-1]
	s.mu.Unlock()
	defer s.cleanUp()
	last()
}

// TempDir implements testing.TB. What is in it is not taken for a server's that was left behind.
func (s *standIn) TempDir() string {
	dir, err := os.MkdirTemp("", "aeroplane-authz-program-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Failed implements testing.TB.
func (s *standIn) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.errs) > 0
}

func (s *standIn) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}

// Error implements testing.TB.
func (s *standIn) Error(args ...any) { s.fail(errors.New(fmt.Sprint(args...))) }

// Errorf implements testing.TB.
func (s *standIn) Errorf(format string, args ...any) { s.fail(fmt.Errorf(format, args...)) }

// Fatal implements testing.TB.
func (s *standIn) Fatal(args ...any) {
	s.Error(args...)
	runtime.Goexit()
}

// Fatalf implements testing.TB.
func (s *standIn) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// Skip implements testing.TB.
func (s *standIn) Skip(args ...any) { s.Fatal(args...) }

// Logf implements testing.TB.
func (s *standIn) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
