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
	*stage   // made at first need
	postgres *testservers.PostgresProcess
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

// service returns the path of the service.
func (b *bench) service() string {
	if b.binary != "" {
		return b.binary
	}
	if b.profile != "" {
		return b.watched()
	}
	b.say("building the service")
	b.binary = buildService(b)
	return b.binary
}

// watched returns the path of the service, built so that one can look into it.
func (b *bench) watched() string {
	b.say("building the service with a profiler")
	return buildService(b, withProfiler(b)...)
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

func (s side) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", s.form.name, s.on.name, count(s.callers, "caller"), s.about.name)
}

// count returns a number of things, one or more.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// against says who the other side of s is: on the same form its name will do.
func (s side) against(other side) string {
	if s.form.name == other.form.name {
		return other.on.name
	}
	return other.form.name + ", " + other.on.name
}

func (s side) run(b *bench) result {
	b.Helper()
	r, err := s.form.run(b.Context(), s.on, s.about, s.callers, b.time)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// wanted reports whether to measure a bar.
func (b *bench) wanted(ours, other string) bool {
	return b.bars.MatchString(ours + ", against " + other)
}

// pairs measures ours and another some times. Who comes first alternates, so that neither has the better place.
func pairs(times int, ours, other func() result) (all []pair) {
	for i := range times {
		var p pair
		if i%2 == 0 {
			p.ours = ours()
		}
		p.other = other()
		if i%2 == 1 {
			p.ours = ours()
		}
		all = append(all, p)
	}
	return all
}

// bar measures a row of a comparison, if it is wanted.
func (b *bench) bar(table comparison, ours, other side) {
	b.Helper()
	what, against := ours.String(), ours.against(other)
	if !b.wanted(what, against) {
		return
	}
	b.askAll(ours.on, ours.about)
	b.askAll(other.on, other.about)
	table.add(what, against, pairs(b.pairs, ours.measured(b), other.measured(b)))
}

// measured returns what measures the side, and says so.
func (s side) measured(b *bench) func() result {
	return func() result {
		r := s.run(b)
		b.say("%v: %.0f/s, p50 %.0f µs", s, perSecond(r), p50(r))
		return r
	}
}
