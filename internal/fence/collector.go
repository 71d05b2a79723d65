// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync/atomic"
	"time"
)

// A collector notes who else is a member and since when they are silent, so that changes need not wait for who is dead.
type collector struct {
	seen map[MemberID]silence

	members atomic.Int64 // for Stats, as is behind
	behind  atomic.Int64
}

// A silence is a beat, and when by our boot clock it had already been read.
type silence struct {
	beat  int64
	since time.Duration
}

// note takes in a list that was read before boot, and returns whose beats have not changed for so long that every lease of
// theirs is over.
func (c *collector) note(members []MemberState, boot time.Duration) (dead []MemberState) {
	seen := make(map[MemberID]silence, len(members))
	for _, m := range members {
		s, ok := c.seen[m.ID]
		if !ok || s.beat != m.Beat {
			s = silence{m.Beat, boot}
		} else if boot-s.since >= barrierWait(m.Lease) {
			dead = append(dead, m)
		}
		seen[m.ID] = s
	}
	c.seen = seen
	return dead
}

// count notes how far members are behind. Who has joined and not made a round yet is not.
func (c *collector) count(members []MemberState, applied int64) {
	var behind int64
	for _, m := range members {
		if m.Beat != 0 {
			behind = max(behind, applied-m.Applied.Seq)
		}
	}
	c.members.Store(int64(len(members)))
	c.behind.Store(behind)
}

// collect removes members that are dead. A member that was only slow loses: its next round finds no row. Whichever of a
// round and a removal comes second on the row finds that it came second.
func (l *loop) collect(ctx context.Context, g *generation) {
	ctx, cancel := context.WithTimeout(ctx, l.Lease/roundsPerLease)
	defer cancel()
	l.leave(ctx, g.id)
	roll, err := l.Members.List(ctx, nil)
	if err != nil {
		return // another time
	}
	l.roll.count(roll.Members, g.applied.Load().Seq)
	for _, m := range l.roll.note(roll.Members, l.Clock.Boot()) {
		if err := l.Members.Collect(ctx, m.ID, m.Beat); err == nil {
			l.Logger.Warn("a replica that was silent is counted no more", "replica", m.Name, "silent", barrierWait(m.Lease))
		}
	}
}
