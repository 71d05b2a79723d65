// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"fmt"
	"time"

	"aeroplane.run/authz/internal/fence"
)

// A machine is where the processes of a replica run, one after the other.
type machine struct {
	name   string
	clock  *clock
	lease  time.Duration
	starts int
	now    *process // the one that runs; nil: none
}

// A process is a replica from its start to its end.
type process struct {
	w       *world
	machine *machine
	name    string
	store   *fence.Store // nil: not yet

	connections [numChannels]connection
	bell        chan struct{} // holds something when the listener is to look
	rung        bool

	cut    bool // nothing comes through, to no server and from none
	paused bool // all of it stands still
	dead   bool // and for ever
	leaves bool // it is being closed
	closed bool // its database is
	died   chan struct{}

	reads  int                              // of records, under way
	rounds map[fence.MemberID]time.Duration // when, by its clock, the last complete round of each began
	views  []seenView                       // of every generation that it had
}

// start starts a process on a machine.
func (w *world) start(m *machine) {
	m.starts++
	p := &process{w: w, machine: m, name: fmt.Sprintf("%s%d", m.name, m.starts), bell: make(chan struct{}, 1),
		died: make(chan struct{}), rounds: map[fence.MemberID]time.Duration{}}
	m.now = p
	w.processes = append(w.processes, p)
	config := fence.Config{
		Database: database{process: p}, History: postgres{p}, Clock: m.clock, Lease: m.lease, Name: p.name, Observer: w.counts,
	}
	if w.alone {
		config.Wall = w.cluster.now
	} else {
		config.Members = postgres{p}
	}
	if w.redis != nil {
		config.Shelf = shelf{w.redis, p}
	}
	config.Cramp(w.room.window, w.room.batch, w.room.records)
	w.scheduler.start(&actor{name: p.name, process: p}, func() {
		if p.dead {
			return
		}
		store, err := fence.Open(config)
		if err != nil {
			panic(err)
		}
		p.store = store
	})
}

// kill ends a process in the middle of whatever it does.
func (p *process) kill() {
	if p.dead {
		return
	}
	p.dead = true
	if p.machine.now == p {
		p.machine.now = nil
	}
	close(p.died)
}

// leave ends a process as it should be ended.
func (p *process) leave() {
	if p.dead || p.leaves || p.store == nil {
		return
	}
	p.leaves, p.machine.now = true, nil
	p.w.scheduler.start(&actor{name: p.name + " closing", process: p}, func() {
		p.store.Close()
		p.kill()
	})
}

// running returns the processes that can be called.
func (w *world) running() (running []*process) {
	for _, m := range w.machines {
		if m.now != nil && m.now.store != nil {
			running = append(running, m.now)
		}
	}
	return running
}

// some returns one of the processes that can be called, nil if there is none.
func (w *world) some() *process {
	running := w.running()
	if len(running) == 0 {
		return nil
	}
	return running[w.chance.IntN(len(running))]
}
