// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A trace is what happened, in order: a sum of all of it, and the last of it in words.
type trace struct {
	sum  uint64 // FNV-1a
	last [60]moment
	n    int
	to   io.Writer // all of it; nil: nowhere
}

type moment struct {
	turn int
	at   time.Duration
	who  string
	what string
	more []any // for what, which is a format then
}

func newTrace(to io.Writer) *trace { return &trace{sum: 14695981039346656037, to: to} }

// add notes whose turn it is.
func (t *trace) add(s *scheduler, who, what string) {
	m := moment{turn: s.turn, at: s.now(), who: who, what: what}
	t.mix(uint64(m.at))
	for _, word := range [...]string{who, what} {
		for i := range len(word) {
			t.mix(uint64(word[i]))
		}
	}
	t.keep(m)
}

func (t *trace) mix(v uint64) { t.sum = (t.sum ^ v) * 1099511628211 }

// note notes what somebody says about it.
func (t *trace) note(s *scheduler, who, format string, more ...any) {
	t.keep(moment{turn: s.turn, at: s.now(), who: who, what: "  " + format, more: more})
}

func (t *trace) keep(m moment) {
	t.last[t.n%len(t.last)] = m
	t.n++
	if t.to != nil {
		fmt.Fprintln(t.to, m)
	}
}

// String returns the moment as a line.
func (m moment) String() string {
	what := m.what
	if m.more != nil {
		what = fmt.Sprintf(what, m.more...)
	}
	return fmt.Sprintf("%6d %12v  %-8s %s", m.turn, m.at, m.who, what)
}

// String returns the last that happened.
func (t *trace) String() string {
	var b strings.Builder
	for i := max(0, t.n-len(t.last)); i < t.n; i++ {
		fmt.Fprintln(&b, t.last[i%len(t.last)])
	}
	return b.String()
}
