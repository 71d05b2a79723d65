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
		case tries < ackTries:
			tries++
			pause(ctx, time.Duration(tries)*10*time.Millisecond)
			a.wake.ring()
		default:
			tries = 0 // the next round will tell
		}
	}
}
