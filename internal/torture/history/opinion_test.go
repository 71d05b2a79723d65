// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "aeroplane.run/authz/internal/torture/history"
)

const (
	many     = 1000 // answers of one subject
	patience = time.Minute
)

func TestSecondOpinion(t *testing.T) {
	revoke := took(10, 20, OK, 1)
	for name, test := range map[string]struct {
		h                History
		promised, strong []Subject // that are illegal
	}{
		"good": {History{[]Ask{strongly(asked(1, 0, 0, 5, Allowed)), asked(1, 1, 11, 12, Denied), asked(1, 2, 13, 14, Allowed),
			strongly(asked(1, 0, 21, 22, Denied))}, []Change{revoke}}, nil, nil},
		"late": {History{[]Ask{asked(1, 0, 21, 22, Allowed), asked(2, 0, 21, 22, Allowed)},
			[]Change{took(10, 20, OK, 1, 2)}}, []Subject{1, 2}, nil},
		"back and forth": {History{[]Ask{strongly(asked(1, 0, 11, 12, Denied)), strongly(asked(1, 1, 13, 14, Allowed))},
			[]Change{revoke}}, nil, []Subject{1}},
		"early": {History{[]Ask{strongly(asked(1, 0, 1, 2, Denied))}, []Change{revoke}}, []Subject{1}, []Subject{1}},
		"unknown": {History{[]Ask{strongly(asked(1, 0, 30, 31, Allowed)), strongly(asked(1, 0, 50, 51, Denied))},
			[]Change{took(10, 20, Unknown, 1)}}, nil, nil},
		"no decision": {History{[]Ask{strongly(asked(1, 0, 21, 22, Undecided))}, []Change{revoke}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []struct {
				strong bool
				want   []Subject
			}{{false, test.promised}, {true, test.strong}} {
				o := SecondOpinion(test.h, kind.strong, many, patience)
				if diff := cmp.Diff(kind.want, o.Illegal); diff != "" || o.Unsure > 0 || o.Judged == 0 {
					t.Errorf("strong %v: %+v; -want +got\n%s", kind.strong, o, diff)
				}
			}
		})
	}
}

func TestOfManyAnswersThoseNearTheChangeAreLookedAt(t *testing.T) {
	h := History{Changes: []Change{took(10, 20, OK, 1)}}
	for i := range 500 {
		h.Asks = append(h.Asks, asked(1, 0, 1000+i, 1001+i, Denied))
	}
	h.Asks = append(h.Asks, asked(1, 0, 21, 22, Allowed))
	if o := SecondOpinion(h, false, 20, patience); len(o.Illegal) != 1 {
		t.Errorf("%+v", o)
	}
}

// Two checkers that have nothing in common agree on thousands of random histories.
func TestBothOpinionsAgree(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 0))
	var good, bad [2]int
	for n := range 5000 {
		h := randomHistory(r)
		violations, proof := Judge(h, Leniency{})
		late, contradictory := proof.Early > 0, false
		for _, v := range violations {
			late = late || v.Rule == Revoked
			contradictory = contradictory || v.Rule == Linear
		}
		for i, want := range []bool{late, contradictory} {
			o := SecondOpinion(h, i == 1, many, patience)
			if got := len(o.Illegal) > 0; got != want {
				t.Fatalf("history %d of seed %d, strong %v: %v and %v disagree about\n%+v", n, seed, i == 1, violations, o, h)
			}
			if want {
				bad[i]++
			} else {
				good[i]++
			}
		}
	}
	if min(good[0], good[1], bad[0], bad[1]) < 100 {
		t.Errorf("%v good, %v bad: too few of one kind", good, bad)
	}
}

// randomHistory is a few answers about one subject, most of which a change explains, and one or two attempts at the change.
// No two instants are the same, for what happened first could not be told.
func randomHistory(r *rand.Rand) (h History) {
	instants := r.Perm(30)
	two := func() (int, int) {
		a, b := instants[0], instants[1]
		instants = instants[2:]
		return min(a, b), max(a, b)
	}
	gone := 30
	for range 1 + r.IntN(2) {
		from, to := two()
		outcome := Outcome(r.IntN(2))
		h.Changes = append(h.Changes, took(from, to, outcome, 1))
		gone = min(gone, from+r.IntN(to-from+1))
	}
	for range 2 + r.IntN(8) {
		from, to := two()
		answer := Allowed
		if from+r.IntN(to-from+1) > gone != (r.IntN(20) == 0) {
			answer = Denied
		}
		a := asked(1, uint8(r.IntN(3)), from, to, answer)
		a.Strong = r.IntN(2) == 0
		h.Asks = append(h.Asks, a)
	}
	return h
}
