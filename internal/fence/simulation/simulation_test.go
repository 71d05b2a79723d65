// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed  = flag.Uint64("sim.seed", 0, "run this seed alone")
	from     = flag.Uint64("sim.from", 1, "the first seed")
	seeds    = flag.Uint64("sim.seeds", 1000, "how many seeds")
	tracing  = flag.Bool("sim.trace", false, "print all that happens")
	brokenBy = flag.String("sim.broken", "", "break the model of the database in one of the ways that mutants.txt names")
)

// TestMain runs everything on one processor: one goroutine runs at a time anyhow, and so none has to be woken elsewhere.
func TestMain(m *testing.M) {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}

func TestSimulation(t *testing.T) {
	first, last := *from, *from+*seeds-1
	if *oneSeed != 0 {
		first, last = *oneSeed, *oneSeed
	}
	counts, began, turns := newCounts(), time.Now(), 0
	for seed := first; seed <= last; seed++ {
		w := simulate(t, seed, *brokenBy, counts)
		turns += w.scheduler.turn
		if w.failed() {
			t.Fatalf("seed %d, turn %d: %s\n\nThe last that happened:\n%s\nTo see all of it:\n"+
				"\tgo test -tags sim ./internal/fence/simulation -run TestSimulation -sim.seed %d -sim.trace\n",
				seed, w.scheduler.turn, w.failure, w.trace, seed)
		}
	}
	n := last - first + 1
	took := time.Since(began)
	t.Logf("%d seeds, %d turns, %.0f seeds/s\n%s", n, turns, float64(n)/took.Seconds(), counts)
	if *brokenBy == "" && n >= 1000 {
		for _, what := range counts.missing() {
			t.Errorf("never happened: %s", what)
		}
	}
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64, broken string, counts *counts) (w *world) {
	var to io.Writer
	if *tracing {
		to = os.Stdout
	}
	watchdog := time.AfterFunc(time.Minute, func() {
		panic(fmt.Sprintf("seed %d hangs: somebody waits for a lock, or runs for ever", seed))
	})
	defer watchdog.Stop()
	synctest.Test(t, func(*testing.T) {
		defer func() {
			if r := recover(); r != nil { // what is left of the world would hide it
				fmt.Fprintf(os.Stderr, "seed %d: %v\n%s\n%s", seed, r, debug.Stack(), w.trace)
				os.Exit(2)
			}
		}()
		w = newWorld(seed, broken, counts, to)
		w.run()
	})
	actors.Clear()
	return w
}

// The same seed goes the same way.
func TestDeterminism(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		a, b := simulate(t, seed, "", newCounts()), simulate(t, seed, "", newCounts())
		if a.trace.sum != b.trace.sum || a.scheduler.turn != b.scheduler.turn {
			t.Errorf("seed %d: %d turns, sum %x, and then %d turns, sum %x", seed, a.scheduler.turn, a.trace.sum, b.scheduler.turn,
				b.trace.sum)
		}
	}
}
