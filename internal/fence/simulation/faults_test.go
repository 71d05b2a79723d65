// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"slices"
	"time"
)

// A fault is something that somebody or something does to the world, and that is over some time later.
type fault struct {
	name string
	do   func(w *world)
}

// alone are those that happen where one process has the database to itself.
var alone = []string{"process paused", "process killed", "process closed", "process cut off", "connections broken",
	"clock drifts", "clock of the database drifts", "log cut by retention"}

// faults are all that happens besides what the weather brings.
var faults = []fault{
	{"process paused", func(w *world) {
		if p := w.some(); p != nil && !p.paused {
			p.paused = true
			lease := p.machine.lease
			pause := [...]time.Duration{lease / 2, lease + 100*time.Millisecond, 4 * lease}[w.chance.IntN(3)]
			w.later(pause, p.name+" goes on", func() { p.paused = false })
		}
	}},
	{"process killed", func(w *world) {
		if p := w.some(); p != nil {
			p.kill()
			w.later(w.upTo(3*time.Second), p.machine.name+" starts", func() { w.startAgain(p.machine) })
		}
	}},
	{"process closed", func(w *world) {
		if p := w.some(); p != nil && !p.paused {
			p.leave()
			w.later(w.upTo(3*time.Second), p.machine.name+" starts", func() { w.startAgain(p.machine) })
		}
	}},
	{"process cut off", func(w *world) {
		if p := w.some(); p != nil {
			p.cut = true
			w.later(w.upTo(2*p.machine.lease), p.name+" is connected", func() { p.cut = false })
		}
	}},
	{"standby cut off", func(w *world) {
		if w.cluster.sync {
			w.cluster.link(false)
			w.later(w.upTo(3*time.Second), "the standby is connected", func() { w.cluster.link(true) })
		}
	}},
	{"standby lags", func(w *world) {
		w.cluster.lags = true
		w.later(w.upTo(6*time.Second), "the standby lags no more", func() { w.cluster.lags = false })
	}},
	{"primary restarted", func(w *world) {
		s := w.cluster.primary()
		if s.up {
			s.crash()
			w.later(w.upTo(2*time.Second), s.name+" is back", func() { s.up = true; w.cluster.shipSoon() })
		}
	}},
	{"failover, the old primary lives on", func(w *world) { w.failOver(false) }},
	{"failover, the old primary is dead", func(w *world) { w.failOver(true) }},
	{"histories part", func(w *world) { w.partHistories() }},
	{"wait for the standby cancelled by an operator", func(w *world) {
		for _, s := range w.cluster.servers {
			if len(s.hung) > 0 {
				s.cancel(s.hung[w.chance.IntN(len(s.hung))])
			}
		}
	}},
	{"former primary made a standby", func(w *world) {
		if w.cluster.other().role == former {
			w.cluster.rebuild()
		}
	}},
	{"former primary restarted", func(w *world) {
		if s := w.cluster.other(); s.role == former && s.up {
			s.crash() // what hung there can be seen now
			s.up = true
		}
	}},
	{"connections broken", func(w *world) {
		if p := w.some(); p != nil {
			p.connections[w.chance.IntN(int(numChannels))] = connection{}
		}
	}},
	{"clock drifts", func(w *world) { w.machines[w.chance.IntN(len(w.machines))].clock.drift(w.chance) }},
	{"clock of the database drifts", func(w *world) { w.cluster.clock.drift(w.chance) }},
	{"shelf down", func(w *world) {
		if w.redis != nil {
			w.redis.down = true
			w.later(w.upTo(3*time.Second), "the shelf is back", func() { w.redis.down = false })
		}
	}},
	{"log cut by retention", func(w *world) {
		cut := w.cluster.primary().head().last().Seq - w.chance.Int64N(20)
		for _, s := range w.cluster.servers {
			s.floor = min(max(s.floor, cut), s.head().last().Seq)
		}
	}},
	{"replica added", func(w *world) {
		if len(w.machines) < 5 {
			w.start(w.addMachine())
		}
	}},
}

func faultNames() (names []string) {
	for _, f := range faults {
		names = append(names, "fault: "+f.name)
	}
	return append(names, "fault: question lost", "fault: answer lost", "fault: message late", "fault: question repeated",
		"fault: notification lost", "fault: connected to another server than the primary", "fault: no answer in time",
		"fault: holder of the log's lock frozen", "fault: lock of the log held too long",
		"fault: wait for the standby cancelled", "fault: shelf plays back an old entry", "fault: shelf slow", "fault: cut off")
}

// failOver promotes the standby, if there is one, and once that is so the other can become one.
func (w *world) failOver(otherDies bool) {
	if !w.cluster.sync || !w.cluster.other().up {
		return
	}
	if w.chance.IntN(2) == 0 { // it was cut off before, so that something may have happened that the standby has not
		w.cluster.link(false)
		w.later(w.upTo(2*time.Second), "the standby is promoted", func() {
			if w.cluster.sync && w.cluster.other().up {
				w.cluster.promote(otherDies)
			}
		})
		return
	}
	w.cluster.promote(otherDies)
}

// partHistories promotes the standby, while a change hangs on the primary that it has not got, and lets that be seen there
// then. Some connections lead to the one and some to the other, and on both something is changed.
func (w *world) partHistories() {
	old := w.cluster.primary()
	if !w.cluster.sync || !w.cluster.other().up || !old.up {
		return
	}
	w.cluster.link(false)
	w.byHand()
	w.later(w.upTo(300*time.Millisecond), "the standby is promoted", func() {
		if w.cluster.linked || !w.cluster.sync || !w.cluster.other().up {
			return
		}
		w.cluster.promote(false)
		now := w.cluster.primary()
		for _, p := range w.running() {
			for ch := range p.connections {
				p.connections[ch] = connection{old, old.epoch}
				if w.chance.IntN(2) == 0 {
					p.connections[ch] = connection{now, now.epoch}
				}
			}
		}
		w.later(w.upTo(300*time.Millisecond), "the wait for the standby is cancelled", func() {
			for len(old.hung) > 0 {
				old.cancel(old.hung[0])
			}
		})
		if p := w.some(); p != nil {
			w.perform(p, w.someChange(), false)
		}
	})
}

// later ends what a fault began, unless everything has been put right before.
func (w *world) later(after time.Duration, name string, do func()) {
	w.scheduler.post(after, name, func() {
		if !w.ending {
			do()
		}
	})
}

func (w *world) startAgain(m *machine) {
	if w.alone && slices.ContainsFunc(w.processes, func(p *process) bool { return !p.dead }) {
		w.scheduler.post(10*time.Millisecond, m.name+" starts", func() { w.startAgain(m) }) // the database is in use
	} else if m.now == nil {
		w.start(m)
	}
}

// mischief does one thing after the other, of those that happen in this seed.
func (w *world) mischief() {
	var kinds []fault
	for _, f := range faults {
		if happens := w.chance.IntN(2) == 0; happens && (!w.alone || slices.Contains(alone, f.name)) {
			kinds = append(kinds, f)
		}
	}
	for {
		w.sleep(w.upTo(w.pace))
		if w.ending || len(kinds) == 0 {
			return
		}
		f := kinds[w.chance.IntN(len(kinds))]
		w.counts.fault(f.name)
		w.trace.note(w.scheduler, "fault", "%s", f.name)
		f.do(w)
	}
}

// putRight ends everything that is wrong.
func (w *world) putRight() {
	w.weather, w.scheduler.calm = weather{}, true
	w.scheduler.forgetMessages()
	c := w.cluster
	c.lags = false
	for _, s := range c.servers {
		s.up = true
		if !slices.ContainsFunc(s.hung, func(w *write) bool { return w.commit != nil }) {
			s.lock = nil
		}
	}
	if c.other().role == former {
		c.rebuild()
	}
	c.replay()
	c.shipping, c.telling = false, false
	c.link(!w.alone)
	if w.redis != nil {
		w.redis.down = false
	}
	for _, m := range w.machines {
		w.startAgain(m)
	}
	for _, p := range w.processes {
		p.paused, p.cut, p.connections = false, false, [numChannels]connection{}
	}
}
