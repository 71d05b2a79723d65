// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
)

// Stats are what a Cache has done since it was opened, and how it is now. Each Get is counted once.
type Stats struct {
	Hits     uint64 // Gets that found a record
	Misses   uint64 // Gets for which Redis had nothing
	Rejected uint64 // Gets whose entry did not open: it is damaged, or another's. One under another key has another name, and is not found
	Timeouts uint64 // Gets that had no answer in time
	Errors   uint64 // Gets that failed otherwise
	Skipped  uint64 // Gets for which Redis was not asked: it did not answer lately, or there was no connection

	Puts      uint64 // records kept
	PutsLost  uint64 // records not kept: the queue was full, or Redis did not take them
	Drops     uint64 // records dropped, whether or not they were there
	DropsLost uint64 // records not dropped

	// Open says that Redis does not answer, or in a cluster some server, and is not asked but now and then, once a second at least.
	Open bool
	// Opened counts how often a server was found not to answer any more, or not to answer at first.
	Opened uint64
}

// counters are the numbers of Stats.
type counters struct {
	hits, misses, rejected, timeouts, errors, skipped atomic.Uint64
	puts, putsLost, drops, dropsLost                  atomic.Uint64
	opened                                            atomic.Uint64
}

// Stats returns the Stats.
func (c *Cache) Stats() Stats {
	n := &c.counts
	return Stats{
		Hits: n.hits.Load(), Misses: n.misses.Load(), Rejected: n.rejected.Load(),
		Timeouts: n.timeouts.Load(), Errors: n.errors.Load(), Skipped: n.skipped.Load(),
		Puts: n.puts.Load(), PutsLost: n.putsLost.Load(), Drops: n.drops.Load(), DropsLost: n.dropsLost.Load(),
		Open: c.servers.open(), Opened: n.opened.Load(),
	}
}

// failed counts a Get that had no answer.
func (n *counters) failed(err error) {
	switch {
	case errors.Is(err, errNobody), errors.Is(err, errOpen):
		n.skipped.Add(1)
	case isTimeout(err):
		n.timeouts.Add(1)
	default:
		n.errors.Add(1)
	}
}

// isTimeout reports whether an error says that time was up, or that nobody waits any more.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded)
}

// done counts a job that was done.
func (n *counters) done(j job) {
	if j.drop {
		n.drops.Add(1)
	} else {
		n.puts.Add(1)
	}
}

// lost counts a job that was not done.
func (n *counters) lost(j job) {
	if j.drop {
		n.dropsLost.Add(1)
	} else {
		n.putsLost.Add(1)
	}
}
