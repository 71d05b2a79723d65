// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/stripe"
)

// Stats are what a Store knows and keeps at an instant, for metrics.
type Stats struct {
	// Lease is how long the store decides yet if no round succeeds. Zero: it does not decide.
	Lease time.Duration
	// Applied is how far the history was applied. Zero: the store has not joined yet.
	Applied authz.Revision
	// Known and Absent are how many records are kept of what exists, and of what does not.
	Known, Absent int
	// Hits and Misses count the reads that were answered from memory, and those that were not.
	Hits, Misses uint64
	// Members is how many replicas there are, this one among them, as of the last round. Zero: there is no membership.
	Members int
	// Behind is how many changes the member that is furthest behind had not acknowledged then. What takes nothing away is
	// acknowledged by rounds alone.
	Behind int64
}

// Stats looks at each shard, and so is for once in a while.
func (s *Store) Stats() Stats {
	g := s.loop.current.Load()
	if g == nil {
		return Stats{}
	}
	stats := Stats{Hits: s.reads.Load(hits), Misses: s.reads.Load(misses), Applied: *g.applied.Load(), Members: int(s.loop.roll.members.Load()), Behind: s.loop.roll.behind.Load()}
	if until := time.Duration(g.validUntil.Load()); until > 0 {
		stats.Lease = max(0, until-s.config.Clock.Boot())
	}
	for i := range g.shards {
		known, absent := g.shards[i].size()
		stats.Known += known
		stats.Absent += absent
	}
	return stats
}

// reads count the records that look-ups needed: those that were kept, and those that were not.
type reads struct{ *stripe.Counters }

const (
	hits = iota
	misses
)

func newReads() reads { return reads{stripe.New(2)} }

// count counts the records of a look-up in memory, the last of which was perhaps not kept.
func (r reads) count(records int, lastMissed bool) {
	if lastMissed {
		records--
		r.Add(misses, 1)
	}
	r.Add(hits, uint64(records))
}
