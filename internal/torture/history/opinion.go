// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// An Opinion is what a general checker of linearizability thinks of a history. It knows nothing of how Judge reckons.
type Opinion struct {
	// Judged counts the subjects that it made up its mind about, and Unsure those that took it too long.
	Judged, Unsure int
	// Illegal are the subjects whose histories the model does not allow.
	Illegal []Subject
}

// The states of a subject, and the steps of the model. What takes it away is made of two steps: from the first on it may be
// gone, and from the second on it is.
type step uint8

const (
	active step = iota
	pending
	revoked

	begin
	finish
	allow
	deny
)

// promised is the model of what is promised to all: while a change is under way both answers are right.
var promised = model(func(state, s step) (bool, step) {
	switch s {
	case begin:
		return true, max(state, pending)
	case finish:
		return state >= pending, revoked
	case allow:
		return state <= pending, state
	default:
		return state >= pending, state
	}
})

// linear is the model of strong answers: the subject is there, or it is not. A change that began, and of which no more is
// known, may take it away or not.
var linear = model(func(state, s step) (bool, step) {
	switch s {
	case begin:
		return true, revoked
	case finish:
		return state == revoked, state
	case allow:
		return state == active, state
	default:
		return state == revoked, state
	}
})

func model(next func(state, s step) (bool, step)) porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return active },
		Step:  func(state, input, _ any) (bool, any) { ok, to := next(state.(step), input.(step)); return ok, to },
		Equal: func(a, b any) bool { return a == b },
	}
}

// SecondOpinion judges each subject by itself. Of one with more than limit answers it looks at those nearest to the change,
// which hides no contradiction among them. patience bounds each subject.
func SecondOpinion(h History, strong bool, limit int, patience time.Duration) (o Opinion) {
	rules := promised
	if strong {
		rules = linear
	}
	for subject, asks := range bySubject(h, strong) {
		changes := asks.changes
		operations := operationsOf(changes, nearest(asks.asks, changes, limit))
		switch porcupine.CheckOperationsTimeout(rules, operations, patience) {
		case porcupine.Ok:
			o.Judged++
		case porcupine.Illegal:
			o.Judged++
			o.Illegal = append(o.Illegal, subject)
		default:
			o.Unsure++
		}
	}
	slices.Sort(o.Illegal)
	return o
}

// A story is all that is about one subject.
type story struct {
	asks    []Ask
	changes []Change // that take it away
}

func bySubject(h History, strong bool) map[Subject]*story {
	stories := make(map[Subject]*story)
	of := func(s Subject) *story {
		if stories[s] == nil {
			stories[s] = new(story)
		}
		return stories[s]
	}
	for _, a := range h.Asks {
		if a.Answer != Undecided && (a.Strong || !strong) {
			of(a.Subject).asks = append(of(a.Subject).asks, a)
		}
	}
	for _, c := range h.Changes {
		if c.Kind == Create {
			continue
		}
		for _, s := range c.Subjects {
			of(s).changes = append(of(s).changes, c)
		}
	}
	return stories
}

// nearest returns at most limit asks: those that began nearest to the first OK.
func nearest(asks []Ask, changes []Change, limit int) []Ask {
	if len(asks) <= limit {
		return asks
	}
	centre := time.Duration(math.MaxInt64 / 2)
	for _, c := range changes {
		if c.Outcome == OK {
			centre = min(centre, c.End)
		}
	}
	near := slices.Clone(asks)
	slices.SortFunc(near, func(a, b Ask) int {
		return cmp.Compare((a.Start - centre).Abs(), (b.Start - centre).Abs())
	})
	return near[:limit]
}

func operationsOf(changes []Change, asks []Ask) (all []porcupine.Operation) {
	add := func(s step, from, to time.Duration) {
		all = append(all, porcupine.Operation{ClientId: len(all), Input: s, Call: int64(from), Return: int64(to)})
	}
	open := time.Duration(math.MaxInt64) // when the first began of which nobody knows: later ones may do nothing that it may not
	for _, c := range changes {
		if c.Outcome == OK {
			add(begin, c.Start, c.End)
			add(finish, c.Start, c.End)
		} else {
			open = min(open, c.Start)
		}
	}
	if open != math.MaxInt64 {
		add(begin, open, math.MaxInt64)
	}
	for _, a := range asks {
		if a.Answer == Allowed {
			add(allow, a.Start, a.End)
		} else {
			add(deny, a.Start, a.End)
		}
	}
	return all
}
