// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

// A bench is a run of measurements. What it has started ends with it.
type bench struct {
	testing.TB
	options
	*stage             // made at first need
	emptyBinary string // the program of the empty servers
	postgres    *testservers.PostgresProcess
}

// within runs a part of the measurements, and ends what it has started.
func (b *bench) within(part string, do func(*bench)) {
	b.Helper()
	if err := testservers.Run(b.Context(), part, func(t testing.TB) {
		inner := *b
		inner.TB = t
		do(&inner)
	}); err != nil {
		b.Fatalf("%s: %v", part, err)
	}
}

// startPostgres starts the server that all measurements share, with memory enough for a million keys.
func (b *bench) startPostgres() {
	if b.postgres == nil {
		b.postgres = testservers.StartPostgres(b, testservers.Options{Settings: map[string]string{
			"shared_buffers": "512MB", "max_wal_size": "4GB", "max_connections": "400",
		}})
	}
}

// build builds the programs: the empty server and, unless there is one, the service.
func (b *bench) build() {
	b.say("building the empty server")
	b.emptyBinary = buildProgram(b, "bench/empty/emptyserver")
	switch {
	case b.profile != "":
		b.binary = b.watched()
	case b.binary == "":
		b.say("building the service")
		b.binary = buildProgram(b, service)
	}
}

// watched builds the service so that one can look into it, and returns its path.
func (b *bench) watched() string {
	b.Helper()
	b.say("building the service with a profiler")
	return buildProgram(b, service, withProfiler(b)...)
}

// say tells whoever waits what goes on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// count returns a number of things, one or more.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
