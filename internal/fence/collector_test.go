// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A member with a lease of a second is dead when its beat has not changed for 1.3 seconds of ours.
func TestCollectorNote(t *testing.T) {
	t.Parallel()
	const wait = 1300 * time.Millisecond
	m := func(id byte, beat int64) MemberState {
		return MemberState{ID: MemberID{id}, Lease: time.Second, Beat: beat}
	}
	var c collector
	for i, look := range []struct {
		at   time.Duration
		seen []MemberState
		want []MemberState
	}{
		{0, []MemberState{m('a', 7), m('b', 1)}, nil},
		{wait - 1, []MemberState{m('a', 7), m('b', 2)}, nil},
		{wait, []MemberState{m('a', 7), m('b', 2)}, []MemberState{m('a', 7)}},
		{2*wait - 2, []MemberState{m('a', 7), m('b', 2)}, []MemberState{m('a', 7)}}, // until somebody removes it
		{2*wait - 1, []MemberState{m('a', 8), m('b', 2)}, []MemberState{m('b', 2)}}, // it was only slow
		{3 * wait, []MemberState{m('b', 2)}, []MemberState{m('b', 2)}},
		{4 * wait, []MemberState{m('a', 8)}, nil}, // somebody whom the list had not: it is begun anew
	} {
		if diff := cmp.Diff(look.want, c.note(look.seen, look.at)); diff != "" {
			t.Errorf("look %d: the dead (-want +got):\n%s", i, diff)
		}
	}
}

// Who is behind is who has made a round and not applied everything.
func TestCollectorCount(t *testing.T) {
	t.Parallel()
	var c collector
	c.count([]MemberState{{Beat: 1, Applied: rev(7)}, {Beat: 2, Applied: rev(5)}, {Beat: 0}}, 7)
	if members, behind := c.members.Load(), c.behind.Load(); members != 3 || behind != 2 {
		t.Errorf("%d members, %d behind; want 3 and 2", members, behind)
	}
}
