// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"fmt"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A redis keeps all that was ever put for each subject, and gives back whichever it likes: it was restarted from an old
// file, or failed over, or somebody plays back what they recorded. What it cannot do is to make up a record, or to give one
// subject's for another's: entries are sealed.
type redis struct {
	w    *world
	kept map[authz.Subject][]read
	down bool
}

// A shelf is a process's way to the redis. It implements fence.Shelf.
type shelf struct {
	*redis
	p *process
}

var _ fence.Shelf = shelf{}

// Get implements fence.Shelf.
func (s shelf) Get(ctx context.Context, x authz.Subject) (authz.Record, authz.Revision, bool) {
	w := s.w
	w.questions++
	what := fmt.Sprintf("%s: shelf %s %d", s.p.name, universe.names[x], w.questions)
	w.scheduler.step(what + " to be asked")
	if s.down || w.happens(w.weather.lossy, "shelf slow") {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		case <-w.scheduler.over:
		}
		w.scheduler.step(what + " given up")
		return authz.Record{}, authz.Revision{}, false
	}
	kept := s.kept[x]
	if len(kept) == 0 || w.chance.IntN(4) == 0 {
		return authz.Record{}, authz.Revision{}, false
	}
	r := kept[len(kept)-1]
	if w.happens(w.weather.forgetful, "shelf plays back an old entry") {
		r = kept[w.chance.IntN(len(kept))]
	}
	w.scheduler.step(what + " answered")
	return r.record, r.at, true
}

// Put implements fence.Shelf.
func (s shelf) Put(x authz.Subject, r authz.Record, at authz.Revision) {
	s.kept[x] = append(s.kept[x], read{r, at})
}

// Drop implements fence.Shelf.
func (s shelf) Drop(dropped []authz.Subject) {
	for _, x := range dropped {
		if !s.w.happens(s.w.weather.lossy, "shelf loses a deletion") && s.w.weather.forgetful == 0 {
			delete(s.kept, x)
		}
	}
}
