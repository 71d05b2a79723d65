// SPDX-License-Identifier: Apache-2.0

// Command bench measures what decisions cost, beside empty servers of the same shape in the same run.
//
//	go run ./bench [flags] [what...]
//
// What to measure is one or more of the names that -help lists; without one, everything, which `make bench` does. The
// service, the databases and the empty servers are processes of their own, on loopback; the callers are in this one. All of it ends
// with it. Tables go to standard output, in Markdown, and what goes on to standard error.
//
// Each figure comes from pairs: ours and the other are measured one right after the other, again and again, and what counts is
// the median of the ratios. The machine is shared, and absolute figures move. docs/performance.md has figures and their machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/testservers"
)

// measurements are what can be measured.
var measurements = []struct {
	name, about string
	run         func(*bench)
}{
	{"unary", "calls of Authorize, of 64 callers and of one", measureUnary},
	{"stream", "AuthorizeStream, shared by callers, and with many questions under way", measureStream},
	{"batch", "BatchAuthorize, of 32 and of 1,000", measureBatch},
	{"embedded", "decisions in this process, by how much they grow, and what a second processor adds", measureEmbedded},
	{"tail", "the slowest decisions, in quiet times and in times of trouble", measureTail},
	{"revocation", "RevokeKey with 1, 3 and 10 replicas, beside a plain commit", measureRevocation},
	{"cold", "the first answer of a server that was just started, and a fleet that is started anew under load", measureCold},
	{"memory", "what keys in memory take", measureMemory},
	{"doors", "each door beside Authorize, and proxies that ask beside the same ones that do not", measureDoors},
	{"follow", "an import from an Aeroplane, and what it takes to keep in step with it", measureFollow},
	{"peers", "a GET of Redis, and a Check of OpenFGA", measurePeers},
}

func main() {
	aeroplanetest.Main() // whose process it is then
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	debug.SetGCPercent(400)      // the callers' garbage is not what is measured
	o, names := parse()
	exit(testservers.Run(ctx, "bench", func(t testing.TB) {
		b := &bench{TB: t, options: o}
		fmt.Fprintf(o.out, "Measured on %s, with %s, %s on %s of %s, %s of %v for each bar.\n", time.Now().Format(time.DateOnly),
			count(o.keys, "key"), runtime.Version(), count(runtime.NumCPU(), "processor"), runtime.GOARCH, count(o.pairs, "pair"), o.time)
		b.build()
		for _, m := range measurements {
			if len(names) == 0 || slices.Contains(names, m.name) {
				b.say("measuring %s: %s", m.name, m.about)
				m.run(b)
			}
		}
		if !*o.matched && o.bars.String() != "" {
			b.Errorf("no bar matches %v", o.bars)
		}
	}))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
