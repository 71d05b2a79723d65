// SPDX-License-Identifier: Apache-2.0

// Command mutants takes one guard of the protocol away after the other, and runs the simulation, or tests, until they fail. A
// mutant that survives says that the guard is not tested, or is none. The mutants are in mutants.txt.
//
//	go run ./internal/fence/mutants            all of them
//	go run ./internal/fence/mutants -run tag   those whose description matches
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"time"
)

//go:embed mutants.txt
var list string

func main() { os.Exit(run()) }

func run() int {
	match := flag.String("run", "", "only mutants whose description matches")
	seeds := flag.Int("seeds", 10000, "how many seeds a mutant must survive to count as one that does")
	jobs := flag.Int("jobs", 2, "how many at a time")
	flag.Parse()
	pattern, err := regexp.Compile(*match)
	if err != nil {
		return fail(err)
	}
	mutants, err := parse(list)
	if err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w, err := newWorkshop(*seeds)
	if err != nil {
		return fail(err)
	}
	defer w.close()

	if err := w.control(ctx); err != nil {
		return fail(err)
	}
	began := time.Now()
	var chosen []mutant
	for _, m := range mutants {
		if pattern.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	alive := 0
	each(chosen, *jobs, func(m mutant) outcome { return w.try(ctx, m) }, func(m mutant, o outcome) {
		if o.found {
			fmt.Printf("found   %s\n        %v: %s\n", m.name, o.took.Round(time.Second/10), o.why)
			return
		}
		alive++
		fmt.Printf("LIVES   line %d: %s\n        %v: %s\n", m.line, m.name, o.took.Round(time.Second/10), o.why)
	})
	fmt.Printf("%d mutants, %d alive, %v\n", len(chosen), alive, time.Since(began).Round(time.Second))
	if alive > 0 || ctx.Err() != nil || len(chosen) == 0 {
		return 1
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// each calls do for all, some at a time, and then done, one at a time.
func each[T, R any](all []T, jobs int, do func(T) R, done func(T, R)) {
	var mu sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, jobs)
	for _, one := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			result := do(one)
			mu.Lock()
			defer mu.Unlock()
			done(one, result)
		})
	}
	running.Wait()
}
