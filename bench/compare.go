// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

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
	ok := b.bars.MatchString(ours + ", against " + other)
	*b.matched = *b.matched || ok
	return ok
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
