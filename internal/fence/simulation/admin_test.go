// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A change is something that an administrator asks a process to do.
type change struct {
	name string
	do   func(context.Context, *fence.Store, authz.Change) (authz.Receipt, error)
	tx   func(*catalog) // what comes of it, near enough to see whom it will hurt
}

// A call is a change under way at a process.
type call struct {
	name    string
	process *process
	since   time.Duration // by the clock of the process, when the reply to the commit came; zero: it did not, yet
	made    outcome
	bound   time.Duration // when it must end at the latest, by the same clock
	ended   bool
}

// perform asks a process for a change, and judges the answer.
func (w *world) perform(p *process, c change, wait bool) (receipt *authz.Receipt, done chan struct{}) {
	w.changes++
	k := &call{name: fmt.Sprintf("%s change %d", p.name, w.changes), process: p}
	receipt, done = new(authz.Receipt), make(chan struct{})
	w.calls = append(w.calls, k)
	w.scheduler.start(&actor{name: k.name, process: p, call: k}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		var err error
		*receipt, err = c.do(ctx, p.store, authz.Change{At: w.cluster.now(), Wait: wait})
		k.ended = true
		w.judgeChange(k, c, *receipt, err)
		close(done)
	})
	return receipt, done
}

// judgeChange checks what a change was answered. If it is OK, it must be in force everywhere, and from now on no answer may
// do without it.
func (w *world) judgeChange(k *call, c change, r authz.Receipt, err error) {
	if w.over() {
		return
	}
	w.trace.note(w.scheduler, k.name, "%s: %v, %v after %v, %v", c.name, r.Revision, r.Barrier, r.Took, err)
	var known *authz.Error
	switch {
	case err != nil && errors.As(err, &known) && known.Kind != authz.Internal:
		w.counts.add("changes: refused, "+known.Code, 1)
		return
	case err != nil:
		w.fail("changes", "%s: %v", k.name, err)
		return
	case r.Barrier == authz.NoBarrier && r.Narrowing:
		w.fail("I9", "%s narrows, and nobody waited", k.name)
	}
	w.judgeOK(k, r)
}

// judgeOK:
//
// I9. OK is said only to who has made a commit of their own, with rows of its own in the log, that cannot be lost.
//
// I10. When OK is said, each process that has a lease, under whichever generation, has applied the change.
func (w *world) judgeOK(k *call, r authz.Receipt) {
	c := k.made.commit
	if c == nil || c.last() != r.Revision || c.safe.IsZero() {
		w.fail("I9", "%s is answered OK, and rests on no commit of its own that is safe", k.name)
		return
	}
	if r.Barrier == authz.NoBarrier {
		return
	}
	w.counts.add("changes: OK, "+r.Barrier.String(), 1)
	for _, p := range w.processes {
		if p.dead {
			continue
		}
		boot := p.machine.clock.Boot()
		for _, v := range p.views {
			if boot < v.ValidUntil() && !w.history.places[v.Applied()].seen().follows(c) {
				w.fail("I10", "%s is answered OK, and %s, at %v, has a lease", k.name, p.name, v.Applied())
			}
		}
	}
	if w.okay.last().Seq < c.last().Seq {
		w.okay, w.okayAt = c, time.Now()
	}
}

// checkBarriers: I13. A change is answered when every lease is over that there can have been, whatever else happens; and if
// it is known who is there, when theirs are.
func (w *world) checkBarriers() {
	w.calls = slices.DeleteFunc(w.calls, func(k *call) bool { return k.ended || k.process.dead })
	for _, k := range w.calls {
		p := k.process
		if k.since == 0 || p.paused || p.leaves || w.scheduler.isParked(k) {
			continue
		}
		// Timers go by the right time here, and on a real machine by a clock as fast as the boot clock.
		if late := p.machine.clock.Boot() - k.bound; late > time.Millisecond+(k.bound-k.since)/9 {
			w.fail("I13", "%s should have been answered %v ago", k.name, late)
		}
	}
}

// confirmed notes that the reply to a commit has come to the process that asked for it.
func (w *world) confirmed(out outcome) {
	if k := whoami().call; k != nil {
		k.made, k.since = out, k.process.machine.clock.Boot()
		k.bound = k.since + bound(fence.MaxLease)
		if w.alone {
			k.bound = k.since + 10*time.Second // until it is known that the database does not show what it has taken
		}
	}
}

// listed notes that a process has read a list of members from a server that has some changes.
func (p *process) listed(asked []authz.Revision, roll fence.Roll) {
	var longest time.Duration
	for _, m := range roll.Members {
		longest = max(longest, m.Lease)
	}
	for i, r := range asked {
		for _, k := range p.w.calls {
			if k.process == p && k.since != 0 && roll.Held[i] && k.made.commit.last() == r {
				k.bound = min(k.bound, max(p.machine.clock.Boot(), k.since+bound(longest)))
			}
		}
	}
}

// bound is how long a change may wait for a member: a quarter more than the lease, and 50 ms.
func bound(lease time.Duration) time.Duration { return lease*5/4 + 50*time.Millisecond }

// admin makes changes. Each is planned: whom it will hurt is asked for before, so that what is taken away lies in every
// cache, and after, at once, everywhere.
func (w *world) admin() {
	for {
		w.sleep(w.upTo(700 * time.Millisecond))
		if w.ending {
			return
		}
		p := w.some()
		if p == nil {
			continue
		}
		if w.chance.IntN(5) == 0 {
			w.byHand()
			continue
		}
		c := w.someChange()
		hurt := w.hurtBy(c)
		if w.chance.IntN(3) > 0 {
			w.askEverywhere(hurt, "allowed before it was taken away")
			w.sleep(w.upTo(100 * time.Millisecond))
		}
		receipt, done := w.perform(p, c, w.chance.IntN(4) == 0)
		w.await(done, p)
		if again := w.some(); receipt.Barrier == authz.NoBarrier && again != nil && w.chance.IntN(2) == 0 {
			receipt, done = w.perform(again, c, false) // perhaps nobody knows what came of it
			w.await(done, again)
		}
		if receipt.Barrier != authz.NoBarrier {
			w.askEverywhere(hurt, "")
		}
	}
}

// hurtBy returns some requests that are allowed, and will not be after a change.
func (w *world) hurtBy(c change) (hurt []request) {
	before := w.history.newest().after
	after := before.copy()
	c.tx(after)
	changed := subjectsOf(before, after)
	now := w.cluster.now()
	for _, i := range w.chance.Perm(len(universe.requests)) {
		if r := universe.requests[i]; len(changed) > 0 && r.allows(before, now) && !r.allows(after, now) {
			hurt = append(hurt, r)
		}
		if len(hurt) == 3 {
			break
		}
	}
	return hurt
}

// askEverywhere asks every process about some requests.
func (w *world) askEverywhere(requests []request, count string) {
	for _, p := range w.running() {
		for _, r := range requests {
			l, _ := w.authorize(p, r, authz.Consistency{}, time.Second)
			l.count = count
		}
	}
}
