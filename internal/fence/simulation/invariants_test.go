// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// What must hold at all times. It is looked at from outside, with eyes that nobody in the world has: the right time, every
// clock, what every process keeps, and what every server has written.

// A seenView is a generation, and what was seen of it when it was last looked at.
type seenView struct {
	fence.View
	applied authz.Revision
	lastAll int64
	last    map[authz.Subject]int64
}

// check looks at everything. It is called after each turn, and what is dear to look at it looks at now and then.
func (w *world) check() {
	if w.over() {
		return
	}
	for _, p := range w.processes {
		if p.dead || p.store == nil {
			continue
		}
		if v, ok := p.store.Current(); ok && (len(p.views) == 0 || p.views[len(p.views)-1].View != v) {
			p.views = append(p.views, seenView{View: v, applied: v.Applied(), last: map[authz.Subject]int64{}})
		}
		if len(p.views) == 0 {
			continue
		}
		p.checkLease()
		p.checkProgress()
		if w.scheduler.turn%32 == 0 {
			p.checkKept()
		}
		if w.scheduler.turn%128 == 0 && !p.store.LocksAreFree() {
			w.fail("I17", "%s holds a lock while it waits", p.name)
		}
	}
	w.checkBarriers()
}

// checkLease:
//
// I4. A lease counts from before the last complete round began whose commit was confirmed.
//
// I5. Whoever has a lease has applied every change that was in force for longer than a lease can last.
//
// I11. Whoever has a lease is a member: nobody is taken off the list before.
func (p *process) checkLease() {
	w := p.w
	boot := p.machine.clock.Boot()
	for i := range p.views {
		v := &p.views[i]
		until := v.ValidUntil()
		if until > 0 && !w.alone && until > p.rounds[v.ID()]+p.machine.lease {
			w.fail("I4", "%s has a lease until %v, and its last round began at %v", p.name, until, p.rounds[v.ID()])
		}
		if boot >= until {
			continue
		}
		if i < len(p.views)-1 {
			w.fail("I10", "%s has a lease under a generation that it has given up", p.name)
		}
		if w.alone {
			continue // and the lease is for ever
		}
		must := w.history.safeAt(time.Now().Add(-slowest(p.machine.lease)))
		if at := w.history.places[v.Applied()]; !at.seen().follows(must) && !at.commit.follows(must) {
			w.fail("I5", "%s has a lease, and does not know of %v, which is older than any lease", p.name, must.last())
		}
		if _, member := w.cluster.primary().members[v.ID()]; !member {
			w.fail("I11", "%s has a lease, and is no member", p.name)
		}
	}
}

// checkProgress: I2. Within a generation what is applied only grows, by one row at a time; and so does what is known of
// when everything last changed.
func (p *process) checkProgress() {
	v := &p.views[len(p.views)-1]
	now, all := v.Applied(), v.LastAll()
	if now != v.applied && now.Seq != v.applied.Seq+1 {
		p.w.fail("I2", "%s has applied %v, and before %v", p.name, now, v.applied)
	}
	if all < v.lastAll {
		p.w.fail("I2", "%s has forgotten that everything changed at %d", p.name, v.lastAll)
	}
	v.applied, v.lastAll = now, all
}

// checkKept:
//
// I6. Whatever is kept is not newer than what is applied, and its subject has not changed since; so it is what the history
// says of its subject at what is applied. (I15: so after a row of a kind that is not known nothing older is kept.)
//
// I2. What is known of when a subject last changed only grows, until it leaves the window.
func (p *process) checkKept() {
	v := &p.views[len(p.views)-1]
	at := p.w.history.places[v.Applied()]
	floor, _, _ := v.Window()
	for _, s := range universe.subjects {
		last := v.Last(s)
		if last < v.last[s] && v.last[s] >= floor && v.LastAll() < v.last[s] {
			p.w.fail("I2", "%s has forgotten that %s changed at %d", p.name, universe.names[s], v.last[s])
		}
		v.last[s] = last
		r, seq, kept := v.Kept(s)
		if !kept {
			continue
		}
		if seq > v.Applied().Seq || seq < last || seq < v.LastAll() {
			p.w.fail("I6", "%s keeps %s of %d, with %d applied, and a change of it at %d", p.name, universe.names[s], seq,
				v.Applied().Seq, max(last, v.LastAll()))
		}
		if !same(r, at.seen().after.record(s)) {
			p.w.fail("I6", "%s keeps of %s, read at %d, what is not so at %v", p.name, universe.names[s], seq, v.Applied())
		}
	}
}

// mustHaveApplied: I3. Who says to have applied a row has, in the history that the row is of.
func (w *world) mustHaveApplied(p *process, id fence.MemberID, r authz.Revision) {
	for _, v := range p.views {
		if v.ID() != id {
			continue
		}
		floor, _, _ := v.Window()
		if v.Applied().Seq < r.Seq || r.Seq >= floor && !v.Holds(r) {
			w.fail("I3", "%s says that it has applied %v, and has %v", p.name, r, v.Applied())
		}
	}
}

// observe watches a look-up come to its steps.
//
// I8. The lease is checked before anything is read, by a clock that was read after the look-up began, and so is the
// generation picked.
//
// I18. Without a lease nothing is read, whatever is kept.
func (w *world) observe(who *actor, place string) {
	l := who.lookUp
	if l == nil || w.over() {
		return
	}
	switch place {
	case "lookup: generation picked, clock not read":
		l.checked = false
	case "lookup: clock read, lease not checked":
		l.boot = l.process.machine.clock.Boot()
	case "lookup: lease checked":
		l.checked = true
		if !l.process.leasedAt(l.boot) {
			w.fail("I18", "%s goes on, and there was no lease at %v", l.name, l.boot)
		}
	case "lookup: not read":
		l.reads++
		if !l.checked {
			w.fail("I8", "%s reads, and has not checked the lease", l.name)
		}
	case "fill: landed, not looked at":
		l.earliest = w.cluster.now()
	}
}

func (p *process) leasedAt(boot time.Duration) bool {
	for _, v := range p.views {
		if boot < v.ValidUntil() {
			return true
		}
	}
	v, ok := p.store.Current() // which may be newer than what was seen
	return ok && boot < v.ValidUntil()
}
