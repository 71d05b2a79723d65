// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"slices"
	"sync"
	"time"

	"aeroplane.run/authz"
)

// A barrier is what changes wait at until they are in force everywhere. One goroutine asks the database for all of them.
type barrier struct {
	Config
	acks    *acker // this replica's own
	wake    bell
	failing outage

	mu      sync.Mutex
	waiting []*passage // guarded by mu
}

// A passage is one change at the barrier. Its fields are guarded by barrier.mu.
type passage struct {
	revision authz.Revision
	since    time.Duration // by the boot clock, after the reply to the commit
	// pending holds until when each member is waited for that has not acknowledged yet. nil: nobody knows yet who is there.
	pending map[MemberID]time.Duration
	waited  bool // for some member until its time was over
	moved   bell // for the goroutine that waits: the time until which it waits may be another
}

// until is when the passage ends whatever happens, by the boot clock.
func (p *passage) until() time.Duration {
	if p.pending == nil {
		return p.since + barrierWait(MaxLease)
	}
	last := p.since
	for _, until := range p.pending {
		last = max(last, until)
	}
	return last
}

// see takes in a list that was asked for after the commit, held saying whether the log of the server that gave it has the
// change.
//
// A server whose log does not have the change is behind, or of another line: whom it does not list may be there all the
// same.
func (p *passage) see(members []MemberState, held bool) {
	if !held {
		return
	}
	before := p.until()
	there := make(map[MemberID]MemberState, len(members))
	for _, m := range members {
		there[m.ID] = m
	}
	if p.pending == nil {
		p.pending = make(map[MemberID]time.Duration, len(members))
		for _, m := range members {
			p.pending[m.ID] = p.since + barrierWait(m.Lease)
		}
	}
	for id := range p.pending {
		if m, ok := there[id]; !ok || m.Applied.Seq >= p.revision.Seq {
			delete(p.pending, id) // it has left, or was dead; or it knows
		}
	}
	if p.until() != before {
		p.moved.ring()
	}
}

// expire lets go of members whose leases are over, and reports whether nobody is pending any more.
func (p *passage) expire(boot time.Duration) bool {
	if p.pending == nil {
		if boot < p.until() {
			return false
		}
		p.waited, p.pending = true, map[MemberID]time.Duration{}
	}
	for id, until := range p.pending {
		if boot >= until {
			delete(p.pending, id)
			p.waited = true
		}
	}
	return len(p.pending) == 0
}

// pass waits until the change at a revision, whose commit was confirmed just now, is in force everywhere. It ends at the
// latest when every lease has that anybody could have had at the commit. An error says that ctx ended first.
func (b *barrier) pass(ctx context.Context, r authz.Revision) (how authz.Barrier, took time.Duration, err error) {
	p := &passage{revision: r, since: b.Clock.Boot(), moved: newBell()}
	b.enter(p)
	defer b.forget(p)
	b.acks.await(ctx, r, headStart) // the others are as far as that, or nearly
	b.wake.ring()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		step("barrier: clock not read")
		boot := b.Clock.Boot()
		over, waited, left := b.look(p, boot)
		switch {
		case over && waited:
			return authz.Waited, boot - p.since, nil
		case over:
			return authz.Acked, boot - p.since, nil
		case ctx.Err() != nil:
			return 0, 0, ctx.Err()
		}
		timer.Reset(left)
		p.moved.await(ctx, timer)
	}
}

func (b *barrier) enter(p *passage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, p)
}

func (b *barrier) forget(p *passage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(other *passage) bool { return other == p })
}

// look reports how a passage stands at an instant of the boot clock, and how long it may still take.
func (b *barrier) look(p *passage, boot time.Duration) (over, waited bool, left time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	over = p.expire(boot)
	return over, p.waited, p.until() - boot
}

// run asks for all who wait, some times at once and then ever less often, until ctx ends. For who is new it begins again. The
// shortest pause is so long, by the clocks of timers, that most changes would be over in its midst.
func (b *barrier) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		b.wake.await(ctx, nil)
		looks, interval := 0, pollFirst
		for ctx.Err() == nil && b.poll(ctx) {
			if looks++; looks < pollsAtOnce {
				continue
			}
			timer.Reset(interval)
			interval = min(interval*3/2, pollLast)
			if b.wake.await(ctx, timer) {
				looks, interval = 0, pollFirst
			}
		}
	}
}

// poll asks once, and reports whether anybody for whom it asked still waits. Who comes while the question is on its way is left
// for the next: the answer may be from before their commit.
func (b *barrier) poll(ctx context.Context) (more bool) {
	step("barrier: to ask")
	b.wake.hush() // who rang has entered before
	passages, revisions := b.all()
	if len(passages) == 0 {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	roll, err := b.Members.List(bounded, revisions)
	if err != nil {
		if ctx.Err() == nil {
			b.failing.tell(b.Logger, "who is to be waited for cannot be read; changes take as long as if somebody had died", err)
		}
		pause(ctx, pollLast)
		return true
	}
	b.failing.over(b.Logger, "who is to be waited for can be read again")
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range passages {
		p.see(roll.Members, roll.Held[i])
		more = more || p.pending == nil || len(p.pending) > 0
	}
	return more
}

func (b *barrier) all() (passages []*passage, revisions []authz.Revision) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.waiting {
		passages, revisions = append(passages, p), append(revisions, p.revision)
	}
	return passages, revisions
}
