// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync/atomic"
	"time"

	"aeroplane.run/authz"
)

// An acker tells the database what was applied, beside the loop, so that a slow acknowledgement holds up nothing. Only the
// newest counts: one that is lost is made up for by the next, and by the next round.
type acker struct {
	newest atomic.Pointer[acknowledgement]
	wake   bell
	last   atomic.Int64 // the number of the last revision that was acknowledged, by this member or a former one: a hint
	moved  signal       // last was set
}

type acknowledgement struct {
	id      MemberID
	applied authz.Revision
}

const (
	ackTimeout = 500 * time.Millisecond
	ackTries   = 5
)

// send acknowledges what the generation has applied by now. It does not block.
func (a *acker) send(g *generation) {
	a.newest.Store(&acknowledgement{g.id, *g.applied.Load()})
	a.wake.ring()
}

// await waits until a revision was acknowledged, or another of its number, but no longer than limit.
func (a *acker) await(ctx context.Context, r authz.Revision, limit time.Duration) {
	a.moved.await(ctx, limit, func() bool { return a.last.Load() >= r.Seq })
}

func (a *acker) run(ctx context.Context, m Members) {
	tries := 0
	for {
		a.wake.await(ctx, nil)
		if ctx.Err() != nil {
			return
		}
		step("ack: to send")
		newest := a.newest.Load()
		bounded, cancel := context.WithTimeout(ctx, ackTimeout)
		err := m.Ack(bounded, newest.id, newest.applied)
		cancel()
		switch {
		case err == nil:
			tries = 0
			a.last.Store(newest.applied.Seq)
			a.moved.announce()
		case tries < ackTries:
			tries++
			pause(ctx, time.Duration(tries)*10*time.Millisecond)
			a.wake.ring()
		default:
			tries = 0 // the next round will tell
		}
	}
}
