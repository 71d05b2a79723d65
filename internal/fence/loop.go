// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A loop follows the history, in one goroutine of its own: it joins, renews the lease by rounds, applies what changed, and
// begins anew with another generation when the history is not the one that it knows.
type loop struct {
	Config
	current atomic.Pointer[generation]
	moved   signal // something was applied, a lease extended, a generation published or given up

	wake         bell
	lookWanted   atomic.Bool // rung for: the log is to be read
	roundsWanted atomic.Bool // rung for: a round is to be made

	begun  atomic.Int64 // rounds that were begun
	done   atomic.Int64 // the number of the last round that was done, of those begun
	ack    acker
	owing  bool // a change that takes something away was applied, and perhaps not all of its rows
	roll   collector
	former []MemberID // that this replica was, or may have been, and is to leave
}

// look asks for the log to be read soon. It does not block.
func (l *loop) look() {
	l.lookWanted.Store(true)
	l.wake.ring()
}

// hurry asks for a round soon. It does not block.
func (l *loop) hurry() {
	l.roundsWanted.Store(true)
	l.wake.ring()
}

// errMismatch says that the generation cannot go on.
type errMismatch struct{ why string }

func (e errMismatch) Error() string { return "the history is not the one that was followed: " + e.why }

// run follows the history until ctx ends, and then leaves: first it decides no more, then it is no member any more.
func (l *loop) run(ctx context.Context) {
	step("loop: to start")
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { l.History.Listen(ctx, l.look) })
	if l.Members != nil {
		beside.Go(func() { l.ack.run(ctx, l.Members) })
	}
	var failing outage
	for ctx.Err() == nil {
		g, err := l.join(ctx)
		if err == nil {
			err = l.follow(ctx, g, &failing)
			l.abandon(ctx, g, err)
			if g.vouched.Load() > 0 {
				continue // else it never came to anything, and may not the next time
			}
		} else if ctx.Err() == nil {
			failing.tell(l.Logger, notFollowed, err)
		}
		pause(ctx, jittered(retryLeased))
		step("loop: to join again")
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	l.leave(bounded)
}

// join begins a generation. It has no lease yet: only a round gives one, and finds out whether the row is there.
func (l *loop) join(ctx context.Context) (*generation, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Lease/2)
	defer cancel()
	id := newMemberID()
	if l.Members != nil {
		l.former = append(l.former[max(0, len(l.former)-maxFormer):], id) // whatever comes, the row may be there
		if err := l.Members.Join(ctx, Member{ID: id, Lease: l.Lease, Name: l.Name}); err != nil {
			return nil, err
		}
	}
	step("loop: joined, not read")
	head, err := l.History.Head(ctx)
	if err != nil {
		return nil, err
	}
	g := newGeneration(id, head, l.limits)
	l.current.Store(g)
	return g, nil
}

// follow keeps a generation up with the history, until ctx ends or it cannot go on.
func (l *loop) follow(ctx context.Context, g *generation, failing *outage) error {
	due := time.Now() // by the clock of timers, which is good enough to be on time, and for nothing else
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(due))
		l.wake.await(ctx, timer)
		step("loop: woken")
		var err error
		switch {
		case ctx.Err() != nil:
			return nil
		case l.roundsWanted.Swap(false) || !time.Now().Before(due):
			l.lookWanted.Store(false) // a round reads the log, too
			if err = l.round(ctx, g); err == nil {
				failing.over(l.Logger, "the history of changes is followed again")
			}
			due = time.Now().Add(jittered(l.Lease / roundsPerLease))
		case l.lookWanted.Swap(false):
			err = l.catchUp(ctx, g)
		default:
			continue
		}
		var mismatch errMismatch
		switch {
		case errors.As(err, &mismatch):
			return err
		case err == nil:
			l.lower(ctx, g)
		case ctx.Err() == nil:
			failing.tell(l.Logger, notFollowed, err)
			l.retreat(ctx, g)
			due = time.Now()
		}
	}
}

// retreat waits before the next attempt after one that failed.
func (l *loop) retreat(ctx context.Context, g *generation) {
	wait := retryLeased
	if !g.leased(l.Clock.Boot()) {
		wait = retryLapsed
	}
	pause(ctx, jittered(wait))
	step("loop: to try again")
}

// abandon gives a generation up. From here on nobody begins with it; who did before may finish.
func (l *loop) abandon(ctx context.Context, g *generation, err error) {
	g.end()
	l.moved.announce()
	var mismatch errMismatch
	if !errors.As(err, &mismatch) {
		return
	}
	mismatch = l.explained(ctx, g, mismatch)
	l.Observer.Abandoned(mismatch.why)
	if mismatch.why == "gone" {
		l.Logger.Warn("this replica was silent for so long that it was counted out; beginning anew with empty caches")
		return
	}
	l.Logger.Error("beginning anew with empty caches", "error", mismatch)
}

// explained finds out, for people, what a round without rows means: that the member is gone, or that the log does not reach as
// far any more as it did, and so is another.
func (l *loop) explained(ctx context.Context, g *generation, m errMismatch) errMismatch {
	if m.why != "gone" {
		return m
	}
	ctx, cancel := context.WithTimeout(ctx, l.Lease/roundsPerLease)
	defer cancel()
	applied := *g.applied.Load()
	rows, err := l.History.Since(ctx, applied.Seq, 1)
	if err == nil && (len(rows) == 0 || rows[0].Seq == applied.Seq && rows[0].Revision != applied) {
		return errMismatch{"mismatch"}
	}
	return m
}

// maxFormer bounds the memberships that are left by whoever had them. The others are collected.
const maxFormer = 8

// leave takes the rows away of who this replica was, as far as that can be done before ctx ends. Others do the rest. The
// generation that is followed, if there is one, stays.
func (l *loop) leave(ctx context.Context, but ...MemberID) {
	for _, id := range l.former {
		if slices.Contains(but, id) {
			continue
		}
		if err := l.Members.Leave(ctx, id); err != nil {
			l.Logger.Info("a former membership was left to be collected", "error", err)
		}
	}
	l.former = append(l.former[:0], but...)
}

const notFollowed = "the history of changes cannot be followed; trying again"

// An outage is told of once.
type outage struct{ told bool }

func (o *outage) tell(log *slog.Logger, what string, err error) {
	if !o.told {
		log.Warn(what, "error", err)
	}
	o.told = true
}

func (o *outage) over(log *slog.Logger, what string) {
	if o.told {
		log.Info(what)
	}
	o.told = false
}
