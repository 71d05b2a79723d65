// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"fmt"
	"time"

	"aeroplane.run/authz"
)

// A lookUp is one request that a gateway asks about, at one process.
type lookUp struct {
	request request
	count   string // under which it counts if it is allowed; empty: none
	process *process
	name    string

	// okay is the newest change that was answered OK when the look-up began, and safe the newest that could not be lost.
	okay, safe *commit

	began    time.Duration
	earliest time.Time // by the database's clock: what expires must not be judged by a time before

	query   authz.Query
	facts   authz.Facts
	asked   bool          // it came to a question of facts
	pinged  bool          // the database was asked whether it is there
	reads   int           // how often it began to read
	boot    time.Duration // when the boot clock was read, by it
	checked bool          // the lease was seen to be valid then, under the generation that is read
}

// Lookup implements authz.FactStore: it writes down what the fence answers.
func (l *lookUp) Lookup(ctx context.Context, a *authz.Lookup) error {
	l.query, l.asked = a.Query, true
	err := l.process.store.Lookup(ctx, a)
	l.facts = a.Facts
	return err
}

// authorize asks a process about a request, and judges the answer. done is closed then; never, if the process dies before.
func (w *world) authorize(p *process, r request, c authz.Consistency, patience time.Duration) (l *lookUp, done chan struct{}) {
	w.lookUps++
	l = &lookUp{request: r, process: p, name: fmt.Sprintf("%s look-up %d", p.name, w.lookUps)}
	done = make(chan struct{})
	r.Consistency, r.AtOnce = c, w.chance.IntN(2) == 0
	w.scheduler.start(&actor{name: l.name, process: p, lookUp: l}, func() {
		l.began = w.scheduler.now()
		l.earliest, l.okay, l.safe = w.cluster.now(), w.okay, w.history.newest()
		if w.sinceOkay() <= 5*time.Millisecond {
			w.counts.add("look-ups that began right after an OK", 1)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		d, err := authorizer(l).Authorize(ctx, r.Request)
		switch {
		case err == authz.ErrNotAtOnce:
			w.counts.add("look-ups that were not answered at once", 1)
			r.AtOnce = false
			d, err = authorizer(l).Authorize(ctx, r.Request)
		case r.AtOnce && err == nil:
			w.counts.add("look-ups that were answered at once", 1)
		}
		w.judge(l, d, err)
		close(done)
	})
	return l, done
}

// ping asks a process whether it decides. It may say yes only if it has a lease, which the steps on the way are watched for
// (I18).
func (w *world) ping(p *process) {
	w.lookUps++
	l := &lookUp{process: p, name: fmt.Sprintf("%s ping %d", p.name, w.lookUps)}
	w.scheduler.start(&actor{name: l.name, process: p, lookUp: l}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := p.store.Ping(ctx)
		w.trace.note(w.scheduler, l.name, "%v", err)
		switch {
		case err != nil:
			w.judgeRefusal(l, err)
		case !l.checked:
			w.fail("I18", "%s says that it decides, and has not looked whether it has a lease", p.name)
		case w.alone && !l.pinged:
			w.fail("I18", "%s says that it decides, and has not asked the database", p.name)
		default:
			w.counts.add("pings: yes", 1)
		}
	})
}

// gateway asks about whatever comes, where it comes to.
func (w *world) gateway() {
	for {
		w.sleep(w.upTo(150 * time.Millisecond))
		if w.ending {
			return
		}
		p := w.some()
		if p == nil {
			continue
		}
		if w.chance.IntN(20) == 0 {
			w.ping(p)
			continue
		}
		r := universe.requests[w.chance.IntN(len(universe.requests))]
		patience := [...]time.Duration{20 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second}[w.chance.IntN(3)]
		_, done := w.authorize(p, r, w.someConsistency(), patience)
		if w.chance.IntN(2) == 0 {
			w.await(done, p)
		}
	}
}

// someConsistency is mostly the usual one.
func (w *world) someConsistency() (c authz.Consistency) {
	switch w.chance.IntN(10) {
	case 0, 1:
		c.Strong = true
	case 2:
		c.AtLeast = w.history.newest().last()
	case 3: // perhaps of a history that was lost
		c.AtLeast = w.named[w.chance.IntN(len(w.named))]
	}
	return c
}

// await waits until something is done, or the process that does it is dead.
func (w *world) await(done chan struct{}, p *process) {
	select {
	case <-done:
	case <-p.died:
	case <-w.scheduler.over:
	}
	w.scheduler.step("something is done")
}

// sleep lets time pass for whoever is outside.
func (w *world) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.scheduler.over:
	}
	w.scheduler.step("awake")
}
