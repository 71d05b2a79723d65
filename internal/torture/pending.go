// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"math/rand/v2"

	"aeroplane.run/authz/internal/torture/history"
)

// A pending story is told by a fault itself: it has begun, and what it is about is taken away when the fault says so. Its methods
// are for one goroutine at a time.
type pending struct {
	story
	*worker
	log       *history.Log
	questions []question
	subjects  []history.Subject
}

// begin begins stories of some kinds in one world, by a door. Those that could not begin are missing.
func (s *Stage) begin(ctx context.Context, by door, kinds ...history.Kind) (all []*pending) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	w := &world{name: newName()}
	if w.build(ctx, by) != nil {
		return nil
	}
	for _, kind := range kinds {
		p := &pending{worker: &worker{load: s.load, world: w, rand: s.chance()}, log: s.load.NewLog()}
		start := s.load.Now()
		var err error
		if p.story, err = w.tell(ctx, by, kind); err != nil {
			continue
		}
		for _, r := range p.requests {
			q := question{request: r, Subject: s.load.NewSubject(), made: w.newest}
			p.questions, p.subjects = append(p.questions, q), append(p.subjects, q.Subject)
		}
		p.log.Change(history.Change{Kind: history.Create, Subjects: p.subjects, Replica: by.replica,
			Start: start, End: s.load.Now(), At: w.newest})
		all = append(all, p)
	}
	return all
}

// warm asks each replica about the story once.
func (p *pending) warm() {
	for _, d := range p.doors {
		for _, q := range p.questions {
			p.load.ask(p.log, d, q, p.rand)
		}
	}
}

// end makes the change by the given doors, and reports whether it was answered OK before ctx ended.
func (p *pending) end(ctx context.Context, by func() door) bool {
	return p.worker.take(ctx, p.log, p.story, p.subjects, by)
}

// ask asks one replica about the story so many times at once, and does not wait for the answers.
func (p *pending) ask(d door, times int) {
	for range times {
		log, r := p.NewLog(), rand.New(rand.NewPCG(p.rand.Uint64(), 0))
		p.running.Go(func() { p.load.ask(log, d, p.questions[0], r) })
	}
}

// askAll asks every replica about the story until ctx ends, and now and then for ever.
func (p *pending) askAll(ctx context.Context) {
	for _, d := range p.doors {
		p.startAsker(ctx, d, p.questions, p.rand.Uint64())
	}
	p.bury(p.questions)
}
