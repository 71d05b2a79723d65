// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"math"
	"time"
)

// A Rule is what a Violation breaks.
type Rule string

// The rules.
const (
	// Revoked: no call that begins after a change was answered OK is allowed what the change took away.
	Revoked Rule = "allowed after it was taken away"
	// KnownBy: no answer at the revision of a change, or at a later one, allows what the change took away.
	KnownBy Rule = "allowed at a revision that knows better"
	// Fresh: no answer is at an earlier revision than was asked for.
	Fresh Rule = "answered at an earlier revision than asked for"
	// Linear: the strong answers about a subject are as if each, and the change, had happened at one instant.
	Linear Rule = "strong answers contradict each other"
)

// A Violation is an answer that must not have been given.
type Violation struct {
	Rule   Rule
	Ask    Ask
	Change Change // what took it away, where the rule is about that
}

// String says what happened.
func (v Violation) String() string {
	s := fmt.Sprintf("%s: %v", v.Rule, v.Ask)
	if len(v.Change.Subjects) > 0 {
		s += fmt.Sprintf("; %v; the call began %v after that", v.Change, v.Ask.Start-v.Change.End)
	}
	return s
}

// prompt is how soon after an OK a call must begin to be a good try at catching the service.
const prompt = 5 * time.Millisecond

// A Proof counts what shows that a run could have found something.
type Proof struct {
	// Before counts calls that were allowed before the change, and Warm those of them that the same replica had answered
	// before.
	Before, Warm int
	// Prompt counts calls that began within 5 ms after the OK of what took their subject away.
	Prompt int
	// After counts calls that were denied after that.
	After int
	// Early counts calls that were denied before anybody tried to take their subject away.
	Early int
	// Strongly counts strong answers, and AtLeast those for which a revision was asked and that are at one.
	Strongly, AtLeast int
}

// A Leniency is what a fault excuses.
type Leniency struct {
	// Diverged: the database lost changes, so that one number may mean two revisions.
	Diverged bool
}

// Judge judges a history exactly, in linear time.
func Judge(h History, excuse Leniency) (violations []Violation, proof Proof) {
	taken := newIndex(h)
	warm := firstAllowed(h)
	for _, a := range h.Asks {
		t := taken.of(a.Subject)
		proof.count(a, t, warm)
		switch {
		case a.Answer == Undecided:
		case a.Answer == Allowed && a.Start > t.end():
			violations = append(violations, Violation{Revoked, a, *t.first})
		case excuse.Diverged:
		case a.Answer == Allowed && t.known != nil && a.At.Seq >= t.known.At.Seq:
			violations = append(violations, Violation{KnownBy, a, *t.known})
		case a.At.Seq != 0 && a.At.Seq < a.AtLeast:
			violations = append(violations, Violation{Rule: Fresh, Ask: a})
		}
	}
	return append(violations, taken.judgeStrong(h)...), proof
}

func (p *Proof) count(a Ask, t *taking, warm map[place]time.Duration) {
	switch {
	case a.Answer == Allowed && t.first != nil && a.Start <= t.end():
		p.Before++
		if first, ok := warm[place{a.Subject, a.Replica}]; ok && a.Start > first {
			p.Warm++
		}
	case a.Answer == Denied && a.Start > t.end():
		p.After++
	case a.Answer == Denied && a.End < t.attempted:
		p.Early++
	}
	if a.Start > t.end() && a.Start <= t.end()+prompt {
		p.Prompt++
	}
	if a.Answer != Undecided && a.Strong {
		p.Strongly++
	}
	if a.Answer != Undecided && a.AtLeast != 0 && a.At.Seq != 0 {
		p.AtLeast++
	}
}

// A place is a subject on a replica.
type place struct {
	subject Subject
	replica uint8
}

// firstAllowed returns when each subject was first known to be allowed on each replica.
func firstAllowed(h History) map[place]time.Duration {
	first := make(map[place]time.Duration)
	for _, a := range h.Asks {
		if a.Answer != Allowed {
			continue
		}
		p := place{a.Subject, a.Replica}
		if end, ok := first[p]; !ok || a.End < end {
			first[p] = a.End
		}
	}
	return first
}

// A taking is all that is known of how a subject was taken away.
type taking struct {
	first     *Change       // the first that was answered OK; nil: none was
	known     *Change       // the one with the lowest revision among those that were answered OK and have one
	attempted time.Duration // when the first attempt began
}

// never is later than everything, with room behind it.
const never = math.MaxInt64 - prompt

// end is when it was known to be taken away.
func (t *taking) end() time.Duration {
	if t.first == nil {
		return never
	}
	return t.first.End
}

// An index holds, for each subject, how it was taken away.
type index map[Subject]*taking

var neverTaken = &taking{attempted: never}

func (i index) of(s Subject) *taking {
	if t, ok := i[s]; ok {
		return t
	}
	return neverTaken
}

func newIndex(h History) index {
	i := make(index)
	for n := range h.Changes {
		c := &h.Changes[n]
		if c.Kind == Create {
			continue
		}
		for _, s := range c.Subjects {
			t, ok := i[s]
			if !ok {
				t = &taking{attempted: never}
				i[s] = t
			}
			t.note(c)
		}
	}
	return i
}

func (t *taking) note(c *Change) {
	t.attempted = min(t.attempted, c.Start)
	if c.Outcome != OK {
		return
	}
	if t.first == nil || c.End < t.first.End {
		t.first = c
	}
	if c.At.Seq != 0 && (t.known == nil || c.At.Seq < t.known.At.Seq) {
		t.known = c
	}
}
