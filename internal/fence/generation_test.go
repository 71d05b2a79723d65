// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"strconv"
	"testing"
	"time"

	"aeroplane.run/authz"
)

var roomy = limits{window: 100, batch: 100, known: 1000 * shardCount, absent: 1000 * shardCount}

// following returns a generation that joined at one row and has applied the rows up to another.
func following(from, to int64, l limits) *generation {
	g := newGeneration(MemberID{1}, rev(from), l)
	for _, r := range rows(from+1, to) {
		g.apply(r)
	}
	return g
}

// read returns what a generation keeps of a subject.
func read(g *generation, s authz.Subject) (r authz.Record, err error) {
	err = g.Read(s.Kind, []byte(s.ID), &r)
	return r, err
}

// The rule by which records come to be kept, on a history of which the rows from 10 to 20 are known, each about a service of
// its own, but for 15, which is about "x".
func TestAdmit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what string
		at   authz.Revision
		want verdict
	}{
		{"of the newest row", rev(20), admitted},
		{"of the row that changed it", rev(15), admitted},
		{"of before it changed", rev(14), changed},
		{"of the oldest row that is known, and of before it changed", rev(10), changed},
		{"of before what is known", rev(9), old},
		{"of another history, before what is known", other(9), old},
		{"of another history", other(17), foreign},
		{"newer than what is applied", rev(21), early},
		{"newer, of another history", other(21), early},
	} {
		g := following(10, 14, roomy)
		g.apply(row(15, service("x")))
		for _, r := range rows(16, 20) {
			g.apply(r)
		}
		record := authz.Record{Parent: "p"}
		if got := g.admit(service("x"), record, test.at); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
		kept, err := read(g, service("x"))
		if ok := err == nil; ok != (test.want == admitted) || ok && kept.Parent != "p" {
			t.Errorf("%s: kept: %v, %v", test.what, err, kept)
		}
	}
}

// What a row is about is let go of, and nothing else; a row about everything, or about what nobody knows, is about all.
func TestApply(t *testing.T) {
	t.Parallel()
	x, absent, y := service("x"), service("absent"), service("y")
	for _, test := range []struct {
		about              authz.Subject
		x, absent, y, over bool // what is left, and whether records from before are over for all
	}{
		{about: authz.Subject{}, x: true, absent: true, y: true},
		{about: service("z"), x: true, absent: true, y: true},
		{about: x, absent: true, y: true},
		{about: absent, x: true, y: true},
		{about: authz.Subject{Kind: authz.OfProject, ID: "x"}, x: true, absent: true, y: true},
		{about: authz.Subject{Kind: authz.OfEverything}, over: true},
		{about: authz.Subject{Kind: 8, ID: "x"}, over: true},
		{about: authz.Subject{Kind: 200}, over: true},
	} {
		g := following(10, 20, roomy)
		g.admit(x, authz.Record{Parent: "p"}, rev(20))
		g.admit(absent, authz.Record{}, rev(20))
		g.admit(y, authz.Record{Parent: "p"}, rev(20))
		g.apply(row(21, test.about))
		for s, want := range map[authz.Subject]bool{x: test.x, absent: test.absent, y: test.y} {
			if _, err := read(g, s); (err == nil) != want {
				t.Errorf("after a row about %v, %s: kept: %v", test.about, s.ID, err)
			}
		}
		if got := g.admit(service("w"), authz.Record{Parent: "p"}, rev(20)) == changed; got != test.over {
			t.Errorf("after a row about %v what was read before is over for all: %v", test.about, got)
		}
	}
}

// When a subject changed is forgotten when the row leaves the window, and not before: the newest counts.
func TestApplyForgetsWhatLeftTheWindow(t *testing.T) {
	t.Parallel()
	l := roomy
	l.window = 3
	g := following(10, 10, l)
	x := service("x")
	sh, _ := g.shard(x)
	for seq, want := range []int64{11: 11, 12: 12, 13: 12, 14: 12, 15: 0} {
		switch {
		case seq < 11:
			continue
		case seq <= 12:
			g.apply(row(int64(seq), x))
		default:
			g.apply(row(int64(seq), service("y")))
		}
		if sh.last[x] != want {
			t.Errorf("with %d applied, x changed last at %d, want %d", seq, sh.last[x], want)
		}
	}
}

// A window that is made to reach back knows what changed in there, also at the row at which it began.
func TestLower(t *testing.T) {
	t.Parallel()
	x, y := service("x"), service("y")
	g := following(10, 12, roomy)
	g.lower([]Row{row(10, x), row(9, x), row(8, y), row(7, authz.Subject{Kind: authz.OfEverything})})
	for _, test := range []struct {
		about authz.Subject
		at    authz.Revision
		want  verdict
	}{
		{x, rev(9), changed}, {x, rev(10), admitted}, {y, rev(7), changed}, {y, rev(8), admitted},
		{service("z"), rev(7), admitted}, {service("z"), rev(6), old},
	} {
		if got := g.admit(test.about, authz.Record{Parent: "p"}, test.at); got != test.want {
			t.Errorf("%s at %v: %v, want %v", test.about.ID, test.at, got, test.want)
		}
	}
}

// A pastLog is a log of which only what is past is asked.
type pastLog struct {
	Log
	rows []Row
}

func (l pastLog) Through(context.Context, int64, int) ([]Row, error) { return l.rows, nil }

// What another server says of the past counts only if it has the row from which on it is asked.
func TestLowerAlongAnotherHistory(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what string
		rows []Row
		want int64 // where the window begins then
	}{
		{"of this history", rows(10, 8), 8},
		{"of another", []Row{{Revision: other(10)}, {Revision: rev(9)}, {Revision: rev(8)}}, 10},
		{"of which the first row is not the one that was asked for", rows(9, 7), 10},
		{"empty", nil, 10},
	} {
		l := loop{Config: Config{History: pastLog{rows: test.rows}, Lease: time.Second, limits: roomy}, wake: newBell()}
		g := following(10, 10, roomy)
		l.lower(t.Context(), g)
		if floor, _ := g.window.bounds(); floor != test.want {
			t.Errorf("an answer %s: the window begins at %d, want %d", test.what, floor, test.want)
		}
	}
}

// What expires is judged by a time that is never before the database's.
func TestGenerationNow(t *testing.T) {
	t.Parallel()
	said := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := following(1, 1, roomy)
	g.clock.Store(&reading{clock: said, boot: 10 * time.Second})
	for boot, want := range map[time.Duration]time.Time{
		10 * time.Second: said,
		14 * time.Second: said.Add(5 * time.Second), // on a slow clock, against a fast one
		9 * time.Second:  said,                      // the lease was checked, and then a round was done
	} {
		if got := g.now(boot); !got.Equal(want) {
			t.Errorf("at %v: %v, want %v", boot, got, want)
		}
	}
}

// A row is applied in no time, however much is kept: whoever asks for what it is about waits for as long.
func BenchmarkApply(b *testing.B) {
	for name, about := range map[string]authz.Subject{"one": service("x"), "everything": {Kind: authz.OfEverything}} {
		b.Run(name, func(b *testing.B) {
			l := roomy
			l.window, l.known = windowSize, 2_000_000
			g := newGeneration(MemberID{1}, rev(1), l)
			for i := range 1_000_000 {
				g.admit(service(strconv.Itoa(i)), authz.Record{Parent: "p"}, rev(1))
			}
			for b.Loop() {
				g.apply(row(g.applied.Load().Seq+1, about))
			}
		})
	}
}

// Nothing is kept for longer than an hour, and not much goes at a time.
func TestGenerationRetires(t *testing.T) {
	t.Parallel()
	g := newGeneration(MemberID{}, rev(1), roomy)
	fill := func() {
		for i := range 1000 {
			if v := g.admit(service(strconv.Itoa(i)), authz.Record{Parent: "p"}, rev(1)); v != admitted {
				t.Fatal(v)
			}
		}
	}
	kept := func() (n int) {
		for i := range 1000 {
			if _, err := read(g, service(strconv.Itoa(i))); err == nil {
				n++
			}
		}
		return n
	}
	fill()
	const start = 17 * time.Hour
	g.retire(start)
	for at := start; at < start+recordLife; at += 10 * time.Second {
		before := kept()
		if g.retire(at); before-kept() > 40 {
			t.Fatalf("%d at once, after %v", before-kept(), at-start)
		}
	}
	if n := kept(); n > 40 {
		t.Errorf("%d left just before the end", n)
	}
	x := service("0")
	sh, hash := g.shard(x)
	if g.retire(start + recordLife); kept() != 0 || !sh.knew(hash, x) {
		t.Errorf("%d left; whether a subject was there is known: %v", kept(), sh.knew(hash, x))
	}
	if g.retire(start + 2*recordLife); sh.knew(hash, x) {
		t.Error("a subject is known for ever")
	}
	fill()
	if g.retire(start + 10_000*time.Hour); kept() != 0 { // somebody had closed the lid
		t.Errorf("%d left after a year", kept())
	}
}
