// SPDX-License-Identifier: Apache-2.0

// Package testservers starts real servers for tests: private processes in temporary directories, on free loopback
// ports, as an unprivileged user, and gone when the tests are.
//
// A package that uses it hands its TestMain over, so that what tests share is stopped in the end:
//
//	func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }
//
// or, where goroutines are counted too,
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(testservers.Runner{M: m}) }
//
// Begin with Postgres, which gives each test a database of its own on one server, or with StartPostgres for a test that
// stops, kills or freezes its server. A test that needs a server which cannot be found is skipped, and says what to do;
// with AEROPLANE_AUTHZ_TEST_REQUIRE=1, which `make test` sets, it fails instead.
//
// Servers end with the process that started them, however it ends, where the system can promise that (Linux); else at
// the next interrupt or within a minute of the next start. The directories of a killed process go at the next start.
package testservers

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
)

// Main runs the tests and then stops what they shared. It returns the exit code.
func Main(m *testing.M) int { return Runner{m}.Run() }

// A Runner does the work of Main for whoever wants to run it themselves.
type Runner struct{ M *testing.M }

// Run runs the tests and then stops what they shared, also when an interrupt comes first.
func (r Runner) Run() int {
	live.start()
	defer live.closeAll()

	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer close(interrupts)
	defer signal.Stop(interrupts)
	go func() {
		sig, ok := <-interrupts
		if !ok {
			return
		}
		live.closeAll()
		signal.Reset() // so that the process ends as if the signal had not been caught
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(sig)
		}
	}()
	return r.M.Run()
}

// live is what runs now and must not outlive the tests.
var live registry

type registry struct {
	mu      sync.Mutex
	started bool           // Main is in charge
	closed  bool           // it is over: nothing more may start
	closers map[int]func() // by number
	next    int
}

func (r *registry) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
}

// inCharge reports whether somebody will close what is shared.
func (r *registry) inCharge() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started
}

// add registers what is to be closed in the end, and returns a function that closes it now. It runs once. After
// closeAll it runs at once.
func (r *registry) add(closer func()) (closeNow func()) {
	once := sync.OnceFunc(closer)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		once()
		return once
	}
	if r.closers == nil {
		r.closers = make(map[int]func())
	}
	n := r.next
	r.next++
	r.closers[n] = once
	return func() {
		once()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.closers, n)
	}
}

// closeAll closes everything. A second call waits for the first one.
func (r *registry) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for n, closer := range r.closers {
		closer()
		delete(r.closers, n)
	}
}
