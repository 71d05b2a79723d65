// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"testing"
	"time"

	"aeroplane.run/authz"
)

// A change at 20 waits for two members, one with a lease of a second and one with four.
func TestPassage(t *testing.T) {
	t.Parallel()
	const (
		since = 100 * time.Second
		brief = since + 1300*time.Millisecond
		long  = since + 5050*time.Millisecond
		most  = since + 6300*time.Millisecond
	)
	a, b := MemberState{ID: MemberID{'a'}, Lease: time.Second}, MemberState{ID: MemberID{'b'}, Lease: 4 * time.Second}
	at := func(m MemberState, seq int64) MemberState {
		m.Applied = rev(seq)
		return m
	}
	held, both := true, []MemberState{a, b}
	type look struct {
		members []MemberState
		held    bool
		boot    time.Duration
		over    bool
		until   time.Duration // after the look
	}
	for _, test := range []struct {
		what   string
		looks  []look
		waited bool
	}{
		{"all acknowledge, one after the other", []look{
			{both, held, since, false, long},
			{[]MemberState{at(a, 19), at(b, 20)}, held, since, false, brief},
			{[]MemberState{at(a, 20), at(b, 20)}, held, since, true, since},
		}, false},
		{"later rows count", []look{{[]MemberState{at(a, 21), at(b, 99)}, held, since, true, since}}, false},
		{"who leaves is not waited for, who comes neither", []look{
			{[]MemberState{a}, held, since, false, brief},
			{[]MemberState{b}, held, since, true, since},
		}, false},
		{"who does not acknowledge is waited for, as long as their own lease asks", []look{
			{[]MemberState{a, at(b, 20)}, held, brief - 1, false, brief},
			{nil, !held, brief, true, since},
		}, true},
		{"each for as long as their own", []look{
			{both, held, brief, false, long},
			{nil, !held, long - 1, false, long},
			{nil, !held, long, true, since},
		}, true},
		{"a list of who has not the change says nothing", []look{
			{nil, !held, since, false, most},
			{[]MemberState{at(a, 20)}, !held, most - 1, false, most},
			{nil, !held, most, true, since},
		}, true},
		{"nobody is there", []look{{nil, held, since, true, since}}, false},
	} {
		p := &passage{revision: rev(20), since: since, moved: newBell()}
		for i, l := range test.looks {
			before := p.until()
			p.see(l.members, l.held)
			if moved := p.moved.hush(); moved != (p.until() != before) {
				t.Errorf("%s: look %d: who waits was told: %v", test.what, i, moved)
			}
			if over := p.expire(l.boot); over != l.over || p.until() != l.until {
				t.Errorf("%s: look %d: over: %v, until %v; want %v, %v", test.what, i, over, p.until(), l.over, l.until)
			}
		}
		if p.waited != test.waited {
			t.Errorf("%s: waited: %v", test.what, p.waited)
		}
	}
}

// How long a change waits, at the ends of what a lease may be.
func TestBarrierWait(t *testing.T) {
	t.Parallel()
	for lease, want := range map[time.Duration]time.Duration{
		MinLease: 675 * time.Millisecond, DefaultLease: 5050 * time.Millisecond, MaxLease: 6300 * time.Millisecond,
	} {
		if got := barrierWait(lease); got != want {
			t.Errorf("%v: %v, want %v", lease, got, want)
		}
		slowest, fastest := lease*9/8, want*9/10 // in true time: of the lease, and of the wait
		if slowest >= fastest {
			t.Errorf("a lease of %v may last %v, and is waited for %v", lease, slowest, fastest)
		}
	}
	if (authz.Acked == authz.Waited) || authz.NoBarrier != 0 {
		t.Error("a receipt without a barrier looks like one with")
	}
}
