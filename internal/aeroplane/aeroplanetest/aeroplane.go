// SPDX-License-Identifier: Apache-2.0

package aeroplanetest

import (
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed schema.sql
var schema string

var errStopped = errors.New("Aeroplane is stopped")

// An Aeroplane is a made-up Aeroplane. Its methods may be called at the same time. What goes wrong ends the test; without a test, Err
// returns the first error, and nothing is done any more.
type Aeroplane struct {
	Dir  string // where its database is
	Path string // its database

	t testing.TB // nil: there is no test

	mu      sync.Mutex
	process *process // nil: it is stopped
	err     error
	serial  int
}

// Start starts an Aeroplane with an empty database, which ends with the test.
func Start(t testing.TB) *Aeroplane {
	t.Helper()
	a := &Aeroplane{Dir: t.TempDir(), t: t}
	t.Cleanup(func() {
		a.t = nil // it is too late to fail
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.process != nil {
			_ = a.process.kill()
		}
	})
	a.begin()
	return a
}

// StartIn starts one in a directory, beside which there is no test: see Err, and Stop it.
func StartIn(dir string) (*Aeroplane, error) {
	a := &Aeroplane{Dir: dir}
	a.begin()
	return a, a.Err()
}

func (a *Aeroplane) begin() {
	a.Path = filepath.Join(a.Dir, "deploy.db")
	_, absent := os.Stat(a.Path)
	a.Restart()
	if absent != nil {
		a.Exec(schema)
	}
}

// Err returns the first thing that went wrong.
func (a *Aeroplane) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// do does something with the process, unless something went wrong already.
func (a *Aeroplane) do(what func() error) {
	if a.t != nil {
		a.t.Helper()
	}
	a.mu.Lock()
	if a.err == nil {
		a.err = what()
	}
	err := a.err
	a.mu.Unlock()
	if err != nil && a.t != nil {
		a.t.Fatal(err)
	}
}

func (a *Aeroplane) tx(statements ...statement) (value string) {
	if a.t != nil {
		a.t.Helper()
	}
	a.do(func() (err error) {
		if a.process == nil {
			return errStopped
		}
		value, err = a.process.do(statements)
		return err
	})
	return value
}

// Exec executes SQL, and returns the first column of its last row as text. Arguments are texts, whole numbers, or nil.
func (a *Aeroplane) Exec(query string, args ...any) string {
	if a.t != nil {
		a.t.Helper()
	}
	return a.tx(statement{query, args})
}

// Try is Exec, and returns what goes wrong.
func (a *Aeroplane) Try(query string, args ...any) (value string, err error) {
	a.do(func() error {
		if a.process == nil {
			return errStopped
		}
		value, err = a.process.do([]statement{{query, args}})
		return nil
	})
	return value, err
}

// Restart starts Aeroplane's process if it is stopped.
func (a *Aeroplane) Restart() {
	a.do(func() (err error) {
		if a.process != nil {
			return nil
		}
		if a.process, err = start(a.Path); err == nil {
			_, err = a.process.do([]statement{{"SELECT count(*) FROM sqlite_schema", nil}})
		}
		return err
	})
}

// Stop closes the database and ends the process.
func (a *Aeroplane) Stop() { a.end((*process).stop) }

// Crash kills the process. What it did not bring into the database is still in the log beside it.
func (a *Aeroplane) Crash() { a.end((*process).kill) }

func (a *Aeroplane) end(how func(*process) error) {
	a.do(func() error {
		p := a.process
		if a.process = nil; p == nil {
			return nil
		}
		return how(p)
	})
}

// Checkpoint brings the log into the database, in a mode of SQLite's: PASSIVE, FULL, RESTART or TRUNCATE. It reports whether it got
// through.
func (a *Aeroplane) Checkpoint(mode string) bool {
	if a.t != nil {
		a.t.Helper()
	}
	return a.Exec("PRAGMA wal_checkpoint("+mode+")") == "0"
}
