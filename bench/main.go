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
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

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
	{"tail", "the slowest decisions, in quiet times and in times of trouble", measureTail},
	{"revocation", "RevokeKey with 1, 3 and 10 replicas, beside a plain commit", measureRevocation},
	{"cold", "the first answer of a server that was just started, and a fleet that is started anew under load", measureCold},
	{"memory", "what keys in memory take", measureMemory},
	{"peers", "a GET of Redis, and a Check of OpenFGA", measurePeers},
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == emptyCommand {
		exit(serveEmpty(os.Args[2], os.Args[3], os.Args[4]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	debug.SetGCPercent(400)      // the callers' garbage is not what is measured
	o, names := parse()
	exit(testservers.Run(ctx, "bench", func(t testing.TB) {
		b := &bench{TB: t, options: o}
		fmt.Fprintf(o.out, "Measured on %s, with %s, %s on %s of %s, %s of %v for each bar.\n", time.Now().Format(time.DateOnly),
			count(o.keys, "key"), runtime.Version(), count(runtime.NumCPU(), "processor"), runtime.GOARCH, count(o.pairs, "pair"), o.time)
		for _, m := range measurements {
			if names[m.name] || len(names) == 0 {
				b.say("measuring %s: %s", m.name, m.about)
				m.run(b)
			}
		}
	}))
}

func parse() (o options, names map[string]bool) {
	flag.IntVar(&o.pairs, "pairs", 9, "how many `times` ours and the other are measured")
	flag.DurationVar(&o.time, "time", 2*time.Second, "how long each `measurement` takes")
	flag.IntVar(&o.keys, "keys", 100_000, "how many `keys` there are")
	flag.IntVar(&o.most, "most", 1_000_000, "how many `keys` there are where it is their number that counts")
	flag.StringVar(&o.binary, "binary", "", "the `path` of the service; without it, it is built")
	flag.StringVar(&o.profile, "profile", "", "how the `names` of profiles of the services begin; without it, none are taken")
	bars := flag.String("bars", "", "measure only bars that match this `regexp`, such as 'SQLite, 64'")
	flag.Usage = usage
	flag.Parse()
	o.out, o.bars = os.Stdout, regexp.MustCompile(*bars)
	names = make(map[string]bool)
	for _, name := range flag.Args() {
		names[name] = true
	}
	for _, m := range measurements {
		delete(names, m.name)
	}
	for name := range names {
		fmt.Fprintf(os.Stderr, "%s is nothing that can be measured\n", name)
		usage()
		os.Exit(2)
	}
	for _, name := range flag.Args() {
		names[name] = true
	}
	return o, names
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run ./bench [flags] [what...]\n\nwhat there is to measure:")
	for _, m := range measurements {
		fmt.Fprintf(os.Stderr, "  %-10s  %s\n", m.name, m.about)
	}
	fmt.Fprintln(os.Stderr, "\nflags:")
	flag.PrintDefaults()
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
