// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// Options say how much to measure.
type options struct {
	pairs  int           // for each bar
	time   time.Duration // for each measurement of a pair
	keys   int           // in the databases
	binary string        // the service; empty: it is built
	out    io.Writer     // where the tables go
}

// A bench is a run of measurements. What it has started ends with it.
type bench struct {
	testing.TB
	options
	*stage // made at first need
}

// service returns the path of the service.
func (b *bench) service() string {
	if b.binary == "" {
		b.say("building the service")
		b.binary = buildService(b)
	}
	return b.binary
}

// say tells whoever waits what goes on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// A side is one side of a comparison: who is asked, and how.
type side struct {
	form
	on      *contestant
	callers int
	about   *questions
}

func (s side) run(b *bench) result {
	b.Helper()
	r, err := s.form.run(b.Context(), s.on, s.about, s.callers, b.time)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// compare measures pairs of ours and another. Who comes first alternates, so that neither has the better place.
func (b *bench) compare(what string, ours, other side) (pairs []pair) {
	b.Helper()
	for i := range b.pairs {
		var p pair
		if i%2 == 0 {
			p.ours = ours.run(b)
		}
		p.other = other.run(b)
		if i%2 == 1 {
			p.ours = ours.run(b)
		}
		pairs = append(pairs, p)
		b.say("%s, pair %d of %d: %.0f/s, %.2f times %s's %.0f/s", what, i+1, b.pairs, perSecond(p.ours),
			perSecond(p.ours)/perSecond(p.other), other.on.name, perSecond(p.other))
	}
	return pairs
}

func (s side) String() string {
	return fmt.Sprintf("%s, %s, %d callers, %s", s.form.name, s.on.name, s.callers, s.about.name)
}
