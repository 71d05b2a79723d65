// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"time"
)

// The lease is the longest that a replica decides after the start of its last round: longer rides out longer outages of
// the database, and makes a change wait longer for a replica that died.
const (
	DefaultLease = 4 * time.Second
	MinLease     = 500 * time.Millisecond
	// MaxLease is a constant of the release: a change that cannot learn who is there waits for the longest that anybody
	// could have. To raise it, first ship changes that wait longer, and then longer leases.
	MaxLease = 5 * time.Second
)

const (
	roundsPerLease = 4                      // so that three may fail before the lease runs out
	retryLeased    = 90 * time.Millisecond  // after a round that failed, so within 100 ms
	retryLapsed    = 450 * time.Millisecond // after a round that failed, when nothing is left to be saved
	leaseWait      = 500 * time.Millisecond // the longest that a look-up waits for a lease
	catchUpWait    = 500 * time.Millisecond // how long the loop may stand still, as in a round, while a record that is ahead of it is waited for
	fillTimeout    = 2 * time.Second        // of one read of the database; whoever waits may give up before
	joinable       = 300 * time.Millisecond // how long after its start a read is still joined: it may be stuck
	applyTimeout   = 10 * time.Second       // of who is alone, until a change of their own is applied
	leaveTimeout   = 2 * time.Second
	listTimeout    = time.Second
	recordLife     = time.Hour            // the longest that a record is kept in memory
	headStart      = 2 * time.Millisecond // the longest that a change waits for this replica's acknowledgement before it asks for the others'
	pollsAtOnce    = 4                    // looks at who has acknowledged, one after the other; then
	pollFirst      = time.Millisecond     // between two of them, growing
	pollLast       = 20 * time.Millisecond
)

// barrierWait is how long after its commit a change waits for a member with that lease. Clocks may run a ninth too fast or
// too slow, which is more than the kernel lets anybody set them: the lease on the slowest clock is 5/4 of it on the
// fastest. The rest is for rounding.
func barrierWait(lease time.Duration) time.Duration {
	return lease + lease/4 + 50*time.Millisecond
}

// ahead is the most that has passed by another clock while ours says d: ours may be the slowest, and theirs the fastest.
func ahead(d time.Duration) time.Duration { return d + d/4 }

// jittered spreads d by a tenth either way, so that replicas which started together do not stay together.
func jittered(d time.Duration) time.Duration { return d - d/10 + drawn(d/5) }

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
