// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A world is one seed: some machines, two servers, and whoever uses them.
type world struct {
	seed      uint64
	chance    *rand.Rand
	scheduler *scheduler
	trace     *trace
	counts    *counts
	alone     bool   // one process has the database to itself, and there are no members
	broken    string // how the model of the database is broken, for a mutant; empty: it is not
	weather   weather
	pace      time.Duration // between two faults, at most
	room      struct{ window, batch, records int }

	history   history
	cluster   *cluster
	redis     *redis // nil: there is none
	machines  []*machine
	processes []*process
	members   map[fence.MemberID]*process

	okay   *commit // the newest change that was answered OK
	okayAt time.Time
	named  []authz.Revision // that answers have named lately
	calls  []*call

	questions, lookUps, changes int

	ending  bool // no new trouble
	done    bool // all is judged
	failure string
}

// newWorld draws a world. It must be called where its time is.
func newWorld(seed uint64, broken string, counts *counts, to io.Writer) *world {
	w := &world{seed: seed, chance: rand.New(rand.NewPCG(seed, 1)), trace: newTrace(to), counts: counts, broken: broken}
	w.scheduler = newScheduler(rand.New(rand.NewPCG(seed, 2)), w.trace)
	w.scheduler.each = w.check
	w.history.places = map[authz.Revision]place{}
	w.members = map[fence.MemberID]*process{}
	w.weather, w.pace = drawWeather(w.chance), []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second}[w.chance.IntN(3)]
	w.room.window = [...]int{4, 10, 1000}[w.chance.IntN(3)]
	w.room.batch = [...]int{2, 3, 1000}[w.chance.IntN(3)]
	w.room.records = [...]int{1, 1000}[w.chance.IntN(2)]
	w.alone = w.chance.IntN(12) == 0 && broken == ""
	w.cluster = newCluster(w)
	w.okay, w.okayAt = w.history.newest(), time.Now().Add(-time.Hour)
	w.named = []authz.Revision{w.okay.last()}
	if w.chance.IntN(4) > 0 {
		w.redis = &redis{w: w, kept: map[authz.Subject][]read{}}
	}
	machines := 2 + w.chance.IntN(2)
	if w.alone {
		machines, w.redis, w.weather.misrouting = 1, nil, 0
		w.cluster.sync, w.cluster.linked = false, false
	}
	for range machines {
		w.addMachine()
	}
	return w
}

func (w *world) addMachine() *machine {
	m := &machine{name: string(rune('a' + len(w.machines))), clock: newClock(w.chance)}
	m.lease = [...]time.Duration{fence.MinLease, fence.MinLease, time.Second, 2 * time.Second, fence.MaxLease}[w.chance.IntN(5)]
	w.machines = append(w.machines, m)
	return m
}

// tag draws the tag of a row.
func (w *world) tag() int64 { return w.chance.Int64N(1 << 60) }

func (w *world) failed() bool { return w.failure != "" }

// over reports whether nothing counts any more.
func (w *world) over() bool { return w.done || w.failed() }

// fail notes the first thing that must not be.
func (w *world) fail(invariant, format string, more ...any) {
	if !w.over() {
		w.failure = invariant + ": " + fmt.Sprintf(format, more...)
		w.trace.note(w.scheduler, "", "%s", w.failure)
	}
}

func (w *world) sinceOkay() time.Duration { return time.Since(w.okayAt) }

// run lets the world live from its beginning to its end.
func (w *world) run() {
	fence.Simulation.Chance = rand.New(rand.NewPCG(w.seed, 3))
	fence.Simulation.Step = func(place string) {
		w.observe(whoami(), place)
		w.scheduler.step(place)
	}
	for _, m := range w.machines {
		w.start(m)
	}
	outside := map[string]func(){"fate": w.mischief, "life": w.live}
	for i := range 2 {
		outside[fmt.Sprintf("admin %d", i)] = w.admin
	}
	for i := range 3 {
		outside[fmt.Sprintf("gateway %d", i)] = w.gateway
	}
	for name, do := range outside { // they take their turns by name
		w.scheduler.start(&actor{name: name}, do)
	}
	w.scheduler.run(w.over)
	w.end()
}

// live is how the world goes: some time of trouble, and then none, in which everything must come right by itself.
func (w *world) live() {
	w.sleep(time.Duration(4+w.chance.IntN(8)) * time.Second)
	if w.over() {
		return
	}
	w.ending = true
	w.putRight()
	w.sleep(recovery)
	if !w.over() {
		w.checkRecovered()
	}
	w.done = true
}

// end stops everything, so that nothing is left of the world.
func (w *world) end() {
	w.ending = true
	for _, p := range w.processes {
		p.kill()
	}
	w.scheduler.drain()
	for _, p := range w.processes {
		if p.store != nil {
			p.store.Close()
		}
	}
	time.Sleep(time.Minute) // no call has that much patience
}
