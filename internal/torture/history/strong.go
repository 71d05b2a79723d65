// SPDX-License-Identifier: Apache-2.0

package history

import "time"

// A span is what the strong answers about one subject say of when it was taken away: not before from, nor after to.
type span struct {
	from, to time.Duration
	allowed  Ask // the one that says from, if any does
	denied   Ask // the one that says to, if any does
}

// judgeStrong finds the subjects whose strong answers nothing explains.
//
// A subject is taken away once and for good, so its history is linearizable if and only if there is an instant for that which
// suits all: after the start of every allowed call, before the end of every denied one, not before anybody tried, and not
// after that was answered OK.
func (i index) judgeStrong(h History) (violations []Violation) {
	spans := make(map[Subject]*span)
	for _, a := range h.Asks {
		if !a.Strong || a.Answer == Undecided {
			continue
		}
		s, ok := spans[a.Subject]
		if !ok {
			t := i.of(a.Subject)
			s = &span{from: t.attempted, to: t.end()}
			spans[a.Subject] = s
		}
		s.note(a)
	}
	for subject, s := range spans {
		if s.from <= s.to {
			continue
		}
		v := Violation{Rule: Linear, Ask: s.allowed}
		if s.allowed == (Ask{}) { // denied before anybody tried
			v.Ask = s.denied
		}
		if t := i.of(subject); t.first != nil {
			v.Change = *t.first
		}
		violations = append(violations, v)
	}
	return violations
}

func (s *span) note(a Ask) {
	switch {
	case a.Answer == Allowed && a.Start > s.from:
		s.from, s.allowed = a.Start, a
	case a.Answer == Denied && a.End < s.to:
		s.to, s.denied = a.End, a
	}
}
