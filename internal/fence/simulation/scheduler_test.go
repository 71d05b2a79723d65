// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// A scheduler lets one goroutine run at a time, from one step to the next, or one event happen, and decides by chance
// which, or that time passes first. Its chance comes from the seed, so that the same seed goes the same way.
//
// That rests on three rules. A goroutine that wakes does nothing before its next step. Who is parked has a name that does
// not depend on the run. And nothing that is decided depends on anything but chance and names: no order of a map, no
// select of which two cases may be ready.
type scheduler struct {
	chance *rand.Rand
	began  time.Time
	turn   int
	calm   bool   // nobody is held up, and time passes only when nobody can go on
	each   func() // is called when nobody runs
	trace  *trace

	mu       sync.Mutex
	arrived  []*parked // since nobody ran
	draining bool
	over     chan struct{} // closed when draining
	arrival  chan struct{} // holds something when somebody has arrived

	parked []*parked
	events []*event
	ready  []candidate // of this turn
}

// A parked goroutine waits at a step for its turn.
type parked struct {
	who   *actor
	place string
	hold  // not before
	goOn  chan struct{}
}

// An event happens to the world: a message arrives, a server comes back.
type event struct {
	name string
	hold
	when func() bool // nil: at once
	last time.Time   // from here on it happens whatever when says; zero: never
	run  func()
}

// A hold keeps somebody from going on until a turn and an instant.
type hold struct {
	turn int
	at   time.Time
}

type candidate struct {
	parked *parked
	event  *event
	index  int
}

func newScheduler(chance *rand.Rand, trace *trace) *scheduler {
	return &scheduler{chance: chance, began: time.Now(), trace: trace,
		over: make(chan struct{}), arrival: make(chan struct{}, 1)}
}

// now is how long the world has existed.
func (s *scheduler) now() time.Duration { return time.Since(s.began) }

// step parks the calling goroutine until it is its turn.
func (s *scheduler) step(place string) {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return
	}
	p := &parked{who: whoami(), place: place, goOn: make(chan struct{})}
	s.arrived = append(s.arrived, p)
	s.mu.Unlock()
	select {
	case s.arrival <- struct{}{}:
	default:
	}
	<-p.goOn
}

// post makes something happen after a delay.
func (s *scheduler) post(after time.Duration, name string, run func()) {
	s.postWhen(after, name, nil, 0, run)
}

// postWhen makes something happen when a condition holds, or at the latest after a limit, if that is not zero.
func (s *scheduler) postWhen(after time.Duration, name string, when func() bool, limit time.Duration, run func()) {
	e := &event{name: name, hold: hold{at: time.Now().Add(after)}, when: when, run: run}
	if limit > 0 {
		e.last = time.Now().Add(limit)
	}
	s.events = append(s.events, e)
}

// run lets the world go on until done.
func (s *scheduler) run(done func() bool) {
	for {
		synctest.Wait()
		s.settle()
		if done() {
			return
		}
		s.each()
		s.turn++
		wake := s.look()
		if len(s.ready) == 0 || !s.calm && s.chance.IntN(30) == 0 {
			s.letTimePass(wake)
			continue
		}
		s.goOn(s.ready[s.chance.IntN(len(s.ready))])
	}
}

// settle puts those who have parked in an order that does not depend on the run, and holds some of them up.
func (s *scheduler) settle() {
	s.mu.Lock()
	arrived := s.arrived
	s.arrived = nil
	s.mu.Unlock()
	slices.SortFunc(arrived, func(a, b *parked) int {
		return cmp.Or(cmp.Compare(a.who.name, b.who.name), cmp.Compare(a.place, b.place))
	})
	for i, p := range arrived {
		if i > 0 && p.who == arrived[i-1].who && p.place == arrived[i-1].place {
			panic("two goroutines are called " + p.who.name + " at " + p.place)
		}
		p.hold = s.drawHold()
	}
	s.parked = append(s.parked, arrived...)
}

// drawHold holds one in some up for many turns, or for long, so that what is usually quick is slow at times.
func (s *scheduler) drawHold() hold {
	if s.calm || s.chance.IntN(25) > 0 {
		return hold{}
	}
	if s.chance.IntN(3) > 0 {
		return hold{turn: s.turn + s.chance.IntN(200)}
	}
	return hold{at: time.Now().Add(time.Duration(s.chance.Int64N(int64(2 * time.Second))))}
}

// look collects who may go on, and returns when the next may who may not yet, zero if nobody.
func (s *scheduler) look() (wake time.Time) {
	s.ready = s.ready[:0]
	now := time.Now()
	earliest := func(t time.Time) {
		if t.After(now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	for i, p := range s.parked {
		switch {
		case p.who.halted():
		case p.at.After(now) && !s.calm:
			earliest(p.at)
		case p.turn <= s.turn || s.calm:
			s.ready = append(s.ready, candidate{parked: p, index: i})
		}
	}
	for i, e := range s.events {
		late := !e.last.IsZero() && !e.last.After(now)
		switch {
		case e.at.After(now):
			earliest(e.at)
		case late || e.when == nil || e.when():
			s.ready = append(s.ready, candidate{event: e, index: i})
		default:
			earliest(e.last)
		}
	}
	return wake
}

func (s *scheduler) goOn(c candidate) {
	if c.event != nil {
		s.events = slices.Delete(s.events, c.index, c.index+1)
		s.trace.add(s, "", c.event.name)
		c.event.run()
		return
	}
	s.parked = slices.Delete(s.parked, c.index, c.index+1)
	s.trace.add(s, c.parked.who.name, c.parked.place)
	close(c.parked.goOn)
}

// letTimePass lets time pass until somebody arrives, until wake, or, where others could go on, for a moment.
func (s *scheduler) letTimePass(wake time.Time) {
	limit := time.Hour
	if len(s.ready) > 0 {
		limit = [...]time.Duration{time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond, 400 * time.Millisecond}[s.chance.IntN(4)]
	}
	if !wake.IsZero() {
		limit = min(limit, time.Until(wake))
	}
	select {
	case <-s.arrival: // from before
	default:
	}
	select {
	case <-s.arrival:
	case <-time.After(limit):
	}
}

// forgetMessages lets nothing happen that was to happen later.
func (s *scheduler) forgetMessages() {
	s.events = slices.DeleteFunc(s.events, func(e *event) bool { return e.at.After(time.Now()) })
}

// isParked reports whether a call has somewhere to go on.
func (s *scheduler) isParked(k *call) bool {
	return slices.ContainsFunc(s.parked, func(p *parked) bool { return p.who.call == k })
}

// drain lets everybody go, for good. From here on a step is nothing, and no event happens.
func (s *scheduler) drain() {
	s.mu.Lock()
	s.draining = true
	parked := append(s.parked, s.arrived...)
	s.mu.Unlock()
	close(s.over)
	for _, p := range parked {
		close(p.goOn)
	}
}
