// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/scrape"
)

// profiler is what the service is built with to be looked into: to be profiled, and to collect garbage when it is told to. The empty
// server always has it. It is no part of the service: nothing that is shipped opens a door to what a process does.
//
//go:embed empty/emptyserver/profiler.go
var profiler []byte

// withProfiler returns the flags that build the service with the profiler.
func withProfiler(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	added, overlay := filepath.Join(dir, "profile.go"), filepath.Join(dir, "overlay.json")
	place, err := filepath.Abs("cmd/aeroplane-authz/profile.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {place: added}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{added: profiler, overlay: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"-overlay", overlay}
}

// collect lets a service that was built with the profiler collect its garbage, and returns its metrics then.
func collect(t testing.TB, c *contestant) scrape.Metrics {
	t.Helper()
	done := func() int { return bytes.Count(c.lastWords(), []byte("garbage is collected\n")) }
	before := done()
	c.program.Signal(syscall.SIGUSR2)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() > before {
			return c.metrics(t)
		}
	}
	t.Fatalf("%s collects no garbage\n%s", c.name, c.lastWords())
	return nil
}

// profileOf returns the variables of a server that is profiled, if any is.
func (b *bench) profileOf(server string) []string {
	if b.profile == "" {
		return nil
	}
	return []string{"BENCH_PROFILE=" + b.profile + "-" + server}
}

// profiler returns what begins the profiles of a server when it is measured first. They are ended and written before it ends.
func (b *bench) profiler(c *contestant, server string) func() {
	return sync.OnceFunc(func() {
		c.program.Signal(syscall.SIGUSR1)
		b.Cleanup(func() {
			c.program.Signal(syscall.SIGUSR1)
			written := b.profile + "-" + server + "-allocs.pprof"
			for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !c.program.Ended(); time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(written); err == nil {
					return
				}
			}
			b.Errorf("%s wrote no profile\n%s", c.name, c.lastWords())
		})
	})
}
