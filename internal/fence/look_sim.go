// SPDX-License-Identifier: Apache-2.0

//go:build sim

package fence

import (
	"time"

	"aeroplane.run/authz"
)

// What the simulation sees of a Store beyond what its callers do, to check what nobody could check from outside.

// Cramp leaves so little room that everything fills up: rows in the window, rows in an answer, records kept in each shard.
func (c *Config) Cramp(window, batch, records int) {
	c.limits = limits{window: window, batch: batch, known: records * shardCount, absent: records * shardCount}
}

// A View is a generation, as it is when it is looked at. Whoever looks at one must be the only one who runs.
type View struct{ g *generation }

// Current returns the generation with which look-ups begin.
func (s *Store) Current() (View, bool) {
	g := s.loop.current.Load()
	return View{g}, g != nil
}

// ID is the member that the generation is.
func (v View) ID() MemberID { return v.g.id }

// ValidUntil is the end of the lease by the boot clock, zero if there is none.
func (v View) ValidUntil() time.Duration { return time.Duration(v.g.validUntil.Load()) }

// Applied is the last row that was applied.
func (v View) Applied() authz.Revision { return *v.g.applied.Load() }

// LastAll is the newest row that was about everything.
func (v View) LastAll() int64 { return v.g.lastAll.Load() }

// Holds reports whether a revision is in the window.
func (v View) Holds(r authz.Revision) bool { return v.g.window.holds(r) }

// Window returns the first and the last row of the window, and how many there may be.
func (v View) Window() (floor, head int64, size int) {
	floor, head = v.g.window.bounds()
	return floor, head, len(v.g.window.rows)
}

// Last is the newest row of the window about a subject, as far as it counts.
func (v View) Last(s authz.Subject) int64 {
	sh, _ := v.g.shard(s)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.last[s]
}

// Kept returns the record that is kept of a subject, and the number of the revision that it was read at.
func (v View) Kept(s authz.Subject) (r authz.Record, seq int64, ok bool) {
	_, hash := v.g.shard(s)
	for _, d := range []*directory{&v.g.kept.known, &v.g.kept.absent} {
		if e, _ := d.Load()[hash%shardCount].find(hash, s.Kind, []byte(s.ID)); e != nil {
			e.record(&r)
			return r, e.seq, true
		}
	}
	return authz.Record{}, 0, false
}

// LocksAreFree reports whether nobody holds a lock. While everybody waits, nobody may.
func (s *Store) LocksAreFree() bool {
	free := try(&s.barrier.mu) && try(&s.fills.mu) && try(&s.loop.moved.mu) && try(&s.loop.ack.moved.mu) &&
		try(&s.fills.unknownCredentials.mu) && try(&s.fills.unknownIDs.mu)
	if g := s.loop.current.Load(); free && g != nil {
		free = try(&g.window.mu)
		for i := range g.shards {
			free = free && try(&g.shards[i].mu)
		}
	}
	return free
}

func try(l interface {
	TryLock() bool
	Unlock()
}) bool {
	if !l.TryLock() {
		return false
	}
	l.Unlock()
	return true
}
