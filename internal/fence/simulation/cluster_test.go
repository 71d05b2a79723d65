// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A cluster is two servers. One is the primary. The other is its synchronous standby, or was the primary before.
type cluster struct {
	w       *world
	servers [2]*server
	first   int  // the primary
	sync    bool // the primary's commits wait for the standby
	linked  bool // the standby gets what the primary writes
	lags    bool // the standby shows late what it gets
	seen    int  // how much of what the standby has can be seen there
	clock   *clock

	shipping, telling bool
}

func newCluster(w *world) *cluster {
	c := &cluster{w: w, sync: true, linked: true, clock: newClock(w.chance)}
	genesis := &commit{by: "migration", after: universe.beginning(c.now()), safe: time.Now(),
		rows: []fence.Row{{Revision: authz.Revision{Seq: 1, Tag: w.tag()}}}}
	w.history.add(genesis)
	w.history.line = []*commit{genesis}
	for i, name := range []string{"north", "south"} {
		c.servers[i] = &server{cluster: c, name: name, up: true, log: []*commit{genesis}, members: map[fence.MemberID]member{}}
	}
	c.servers[1].role = standby
	return c
}

func (c *cluster) primary() *server { return c.servers[c.first] }
func (c *cluster) other() *server   { return c.servers[1-c.first] }

// now is the time by the database's clock.
func (c *cluster) now() time.Time {
	return time.Unix(1_800_000_000, 0).UTC().Add(c.clock.Boot()).Truncate(time.Microsecond)
}

// shipSoon sends the standby what it does not have yet.
func (c *cluster) shipSoon() {
	if c.shipping || !c.linked || !c.sync {
		return
	}
	c.shipping = true
	c.w.scheduler.post(c.w.delay(), "the standby receives", c.ship)
}

func (c *cluster) ship() {
	c.shipping = false
	from, to := c.primary(), c.other()
	if !c.linked || !c.sync || !from.up || !to.up || len(to.wal) == len(from.wal) {
		return
	}
	to.wal = append(to.wal, from.wal[len(to.wal):]...)
	c.w.scheduler.post(c.replayDelay(), "the standby shows", c.replay)
	c.save()
	c.tellSoon()
}

func (c *cluster) replayDelay() time.Duration {
	if c.lags {
		return c.w.upTo(3 * time.Second)
	}
	return 0
}

// tellSoon lets the primary know what the standby has, so that it may confirm that.
func (c *cluster) tellSoon() {
	if c.telling {
		return
	}
	c.telling = true
	c.w.scheduler.post(c.w.delay(), "the primary hears from the standby", c.tell)
}

func (c *cluster) tell() {
	c.telling = false
	s := c.primary()
	if !c.linked || !c.sync || !s.up {
		return
	}
	for len(s.hung) > 0 && s.hung[0].index < len(c.other().wal) {
		w := s.hung[0]
		s.show(w)
		if w.done != nil {
			w.done(true)
		}
	}
	if len(s.hung) > 0 {
		c.shipSoon()
	}
}

// replay makes visible on the standby what it has.
func (c *cluster) replay() {
	s := c.other()
	if s.role != standby {
		return
	}
	for ; c.seen < len(s.wal); c.seen++ {
		s.perform(s.wal[c.seen])
	}
}

// save notes which commits cannot be lost any more: those that can be seen on the primary, and that the standby has.
func (c *cluster) save() {
	h := &c.w.history
	for s := c.primary(); ; {
		next := len(h.line)
		if next >= len(s.log) || c.sync && !c.standbyHas(s.log[next]) {
			return
		}
		h.save(s.log[next])
	}
}

func (c *cluster) standbyHas(want *commit) bool {
	for i := len(c.other().wal) - 1; i >= 0; i-- {
		if c.other().wal[i].commit == want {
			return true
		}
	}
	return false
}

// link cuts or mends the connection between the two.
func (c *cluster) link(on bool) {
	c.linked = on
	if on {
		c.shipSoon()
		c.tellSoon()
	}
}

// promote makes the standby the primary. The other may live on, and not know.
func (c *cluster) promote(otherDies bool) {
	old, s := c.primary(), c.other()
	c.replay()
	old.role, s.role = former, primary
	c.first, c.sync, c.linked = 1-c.first, false, false
	if otherDies {
		old.crash()
	}
	c.save()
	c.w.notify(s)
}

// rebuild makes the former primary the standby of the present one.
func (c *cluster) rebuild() {
	c.other().copyOf(c.primary())
	c.seen = len(c.other().wal)
	c.sync, c.linked = true, true
}
