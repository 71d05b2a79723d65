// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "aeroplane.run/authz/internal/torture/history"
)

// A test's history is written as literals, in milliseconds: what is asked of a subject, and what takes it away.

func asked(s Subject, replica uint8, from, to int, answer Answer) Ask {
	return Ask{Subject: s, Replica: replica, Start: ms(from), End: ms(to), Answer: answer}
}

func strongly(a Ask) Ask { a.Strong = true; return a }

func at(a Ask, seq int64) Ask { a.At.Seq = seq; return a }

func atLeast(a Ask, seq int64) Ask { a.AtLeast = seq; return a }

func took(from, to int, outcome Outcome, s ...Subject) Change {
	return Change{Kind: RevokeKey, Subjects: s, Start: ms(from), End: ms(to), Outcome: outcome}
}

func by(c Change, seq int64) Change { c.At.Seq = seq; return c }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestJudge(t *testing.T) {
	revoke := took(10, 20, OK, 1)
	for name, test := range map[string]struct {
		h    History
		want []Rule
	}{
		"nothing happened": {History{}, nil},
		"allowed before, either during, denied after": {History{
			[]Ask{asked(1, 0, 0, 5, Allowed), asked(1, 0, 12, 13, Denied), asked(1, 1, 14, 19, Allowed), asked(1, 0, 21, 22, Denied)},
			[]Change{revoke}}, nil},
		"a call that began before the OK may be allowed long after it": {History{
			[]Ask{asked(1, 0, 20, 5000, Allowed)}, []Change{revoke}}, nil},
		"a call that began after the OK may not": {History{
			[]Ask{asked(1, 0, 21, 22, Allowed)}, []Change{revoke}}, []Rule{Revoked}},
		"on whichever replica, however late": {History{
			[]Ask{asked(1, 2, 90_000, 90_001, Allowed)}, []Change{revoke}}, []Rule{Revoked}},
		"each is counted": {History{
			[]Ask{asked(1, 0, 21, 22, Allowed), asked(1, 1, 21, 22, Allowed), asked(1, 2, 21, 22, Denied)},
			[]Change{revoke}}, []Rule{Revoked, Revoked}},
		"no decision is no allow": {History{
			[]Ask{asked(1, 0, 21, 22, Undecided)}, []Change{revoke}}, nil},
		"another subject is another subject": {History{
			[]Ask{asked(2, 0, 21, 22, Allowed)}, []Change{revoke}}, nil},
		"a change takes away all of its subjects": {History{
			[]Ask{asked(2, 0, 21, 22, Allowed), asked(3, 0, 21, 22, Allowed)},
			[]Change{took(10, 20, OK, 1, 2, 3)}}, []Rule{Revoked, Revoked}},
		"what is unknown promises nothing": {History{
			[]Ask{asked(1, 0, 21, 22, Allowed)}, []Change{took(10, 20, Unknown, 1)}}, nil},
		"nor does what was refused": {History{
			[]Ask{asked(1, 0, 21, 22, Allowed)}, []Change{took(10, 20, Refused, 1)}}, nil},
		"the repetition of what is unknown does": {History{
			[]Ask{asked(1, 0, 25, 26, Allowed), asked(1, 0, 41, 42, Allowed)},
			[]Change{took(30, 40, OK, 1), took(10, 20, Unknown, 1)}}, []Rule{Revoked}},
		"of several OKs the first counts": {History{
			[]Ask{asked(1, 0, 25, 26, Allowed)}, []Change{took(30, 40, OK, 1), took(10, 20, OK, 1)}}, []Rule{Revoked}},
		"a create takes nothing away": {History{
			[]Ask{asked(1, 0, 25, 26, Allowed)}, []Change{{Kind: Create, Subjects: []Subject{1}, End: ms(1)}}}, nil},

		"allowed at a revision before that of the change": {History{
			[]Ask{at(asked(1, 0, 15, 16, Allowed), 41)}, []Change{by(revoke, 42)}}, nil},
		"allowed at the revision of the change": {History{
			[]Ask{at(asked(1, 0, 15, 16, Allowed), 42)}, []Change{by(revoke, 42)}}, []Rule{KnownBy}},
		"denied at the revision of the change": {History{
			[]Ask{at(asked(1, 0, 15, 16, Denied), 42)}, []Change{by(revoke, 42)}}, nil},
		"answered at the revision that was asked for": {History{
			[]Ask{atLeast(at(asked(1, 0, 1, 2, Allowed), 7), 7)}, nil}, nil},
		"answered at an earlier revision": {History{
			[]Ask{atLeast(at(asked(1, 0, 1, 2, Denied), 6), 7)}, nil}, []Rule{Fresh}},

		"strong answers that an instant within the change explains": {History{
			[]Ask{strongly(asked(1, 0, 0, 15, Allowed)), strongly(asked(1, 1, 14, 16, Allowed)), strongly(asked(1, 0, 11, 17, Denied))},
			[]Change{revoke}}, nil},
		"denied, and then allowed again, before the OK": {History{
			[]Ask{strongly(asked(1, 0, 11, 12, Denied)), strongly(asked(1, 1, 13, 14, Allowed))}, []Change{revoke}}, []Rule{Linear}},
		"the same of answers that are not strong is allowed": {History{
			[]Ask{asked(1, 0, 11, 12, Denied), strongly(asked(1, 1, 13, 14, Allowed))}, []Change{revoke}}, nil},
		"strongly denied before anybody tried": {History{
			[]Ask{strongly(asked(1, 0, 1, 9, Denied))}, []Change{revoke}}, []Rule{Linear}},
		"strongly denied though nobody ever tried": {History{
			[]Ask{strongly(asked(1, 0, 1, 9, Denied))}, nil}, []Rule{Linear}},
		"strongly allowed and nobody ever tried": {History{
			[]Ask{strongly(asked(1, 0, 1, 9, Allowed))}, nil}, nil},
		"what is unknown may come into force later": {History{
			[]Ask{strongly(asked(1, 0, 30, 31, Allowed)), strongly(asked(1, 0, 50, 51, Denied))},
			[]Change{took(10, 20, Unknown, 1)}}, nil},
		"but not before it began": {History{
			[]Ask{strongly(asked(1, 0, 8, 9, Denied))}, []Change{took(10, 20, Unknown, 1)}}, []Rule{Linear}},
		"strongly allowed after the OK breaks two rules": {History{
			[]Ask{strongly(asked(1, 0, 21, 22, Allowed))}, []Change{revoke}}, []Rule{Revoked, Linear}},
	} {
		t.Run(name, func(t *testing.T) {
			violations, _ := Judge(test.h, Leniency{})
			var got []Rule
			for _, v := range violations {
				got = append(got, v.Rule)
				if v.String() == "" {
					t.Error("it cannot be told")
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestLostHistoryExcusesRevisionsAlone(t *testing.T) {
	h := History{
		[]Ask{at(asked(1, 0, 15, 16, Allowed), 42), atLeast(at(asked(1, 0, 1, 2, Denied), 6), 7), asked(1, 0, 21, 22, Allowed)},
		[]Change{by(took(10, 20, OK, 1), 42)},
	}
	violations, _ := Judge(h, Leniency{Diverged: true})
	if len(violations) != 1 || violations[0].Rule != Revoked {
		t.Error(violations)
	}
}

func TestAViolationNamesTheChange(t *testing.T) {
	changes := []Change{took(0, 15, Unknown, 1), took(10, 20, OK, 2, 1), took(30, 40, OK, 1)}
	violations, _ := Judge(History{[]Ask{asked(1, 3, 50, 60, Allowed)}, changes}, Leniency{})
	want := []Violation{{Revoked, asked(1, 3, 50, 60, Allowed), changes[1]}}
	if diff := cmp.Diff(want, violations); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestProof(t *testing.T) {
	h := History{[]Ask{
		asked(1, 0, 0, 2, Denied),    // early
		asked(1, 0, 0, 5, Allowed),   // before
		asked(1, 0, 6, 7, Allowed),   // before, warm
		asked(1, 1, 8, 12, Allowed),  // before, not warm: another replica
		asked(1, 0, 12, 19, Denied),  // while it is taken away
		asked(1, 0, 20, 21, Allowed), // before, warm: it began with the OK, not after it
		asked(1, 0, 21, 22, Denied),  // prompt, after
		asked(1, 0, 25, 26, Denied),  // prompt, after
		asked(1, 0, 26, 27, Denied),  // after
		asked(1, 0, 22, 23, Undecided),
		asked(2, 0, 21, 22, Allowed), // never taken away
		strongly(asked(2, 0, 1, 2, Allowed)),
		strongly(asked(2, 0, 1, 2, Undecided)),
		atLeast(at(asked(2, 0, 1, 2, Allowed), 7), 7), // at least
		atLeast(at(asked(2, 0, 1, 2, Allowed), 6), 7), // at least, and a violation
		atLeast(asked(2, 0, 1, 2, Allowed), 7),        // it does not say at which revision it is
		atLeast(asked(2, 0, 1, 2, Undecided), 7),
	}, []Change{took(10, 20, OK, 1)}}
	_, got := Judge(h, Leniency{})
	if diff := cmp.Diff(Proof{Before: 4, Warm: 2, Prompt: 3, After: 3, Early: 1, Strongly: 1, AtLeast: 2}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRecorder(t *testing.T) {
	r := NewRecorder()
	before := r.Now()
	var all sync.WaitGroup
	for range 4 {
		l := r.NewLog()
		all.Go(func() {
			for range 100 {
				s := r.NewSubject()
				l.Change(Change{Kind: Create, Subjects: []Subject{s}, Start: r.Now()})
				l.Ask(Ask{Subject: s, Start: r.Now()})
			}
		})
	}
	all.Wait()
	h, expiring := r.Take()
	subjects := make(map[Subject]bool)
	for _, a := range h.Asks {
		subjects[a.Subject] = true
		if a.Start < before || a.Start > r.Now() {
			t.Fatal(a)
		}
	}
	if len(subjects) != 400 || len(h.Changes) != 400 || len(expiring) != 0 {
		t.Errorf("%d subjects, %d changes", len(subjects), len(h.Changes))
	}
	r.NewLog().Ask(Ask{Subject: 7, Expires: 1})
	again, expiring := r.Take()
	if len(again.Asks)+len(again.Changes) > 0 {
		t.Error("what was taken is still there")
	}
	if len(expiring) != 1 || expiring[0].Subject != 7 {
		t.Errorf("%v", expiring)
	}
}

func TestEachKindIsTold(t *testing.T) {
	told := make(map[string]bool)
	for _, k := range Kinds() {
		told[fmt.Sprint(k)] = true
	}
	if len(told) != len(Kinds()) || told[Create.String()] || told[""] {
		t.Error(told)
	}
}
