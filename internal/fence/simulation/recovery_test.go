// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// recovery is how long after the last fault everything must be right again: members that are dead are silent for as long
// as the slowest clock may take over it, and are removed by a round after that.
var recovery = slowest(bound(fence.MaxLease)) + 2*fence.MaxLease/4

// checkRecovered: with nothing going wrong any more, everybody has a lease; the dead are no members (I16); a change is in
// force everywhere within a moment, and nobody is waited for; and everybody gives the newest answer.
func (w *world) checkRecovered() {
	for _, p := range w.running() {
		v, ok := p.store.Current()
		if !ok || p.machine.clock.Boot() >= v.ValidUntil() {
			w.fail("recovery", "%s has no lease", p.name)
			return
		}
	}
	if members := len(w.cluster.primary().members); members != len(w.running()) && !w.alone {
		w.fail("I16", "%d members, and %d processes", members, len(w.running()))
		return
	}
	for _, p := range w.running() {
		w.checkChange(p)
	}
	for _, p := range w.running() {
		w.checkAnswers(p)
	}
}

func (w *world) checkChange(p *process) {
	const moment = 50 * time.Millisecond
	put := universe.session(0, w.pick(universe.users), authz.UserRoleUser, w.cluster.now())
	c := change{"last change", func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
		n, err := s.PutServices(ctx, c, []authz.Service{{ID: "v1", ProjectID: w.pick(universe.projects)}})
		return n.Receipt, err
	}, func(to *catalog) { to.sessions[put.Digest] = put }}
	receipt, done := w.perform(p, c, true)
	w.await(done, p)
	if receipt.Barrier != authz.Acked || receipt.Took > moment {
		w.fail("recovery", "nothing is wrong, and a change at %s is %v after %v", p.name, receipt.Barrier, receipt.Took)
	}
}

func (w *world) checkAnswers(p *process) {
	for range 5 {
		r := universe.requests[w.chance.IntN(len(universe.requests))]
		for _, c := range []authz.Consistency{{}, {Strong: true}, {AtLeast: w.okay.last()}} {
			l, done := w.authorize(p, r, c, time.Second)
			w.await(done, p)
			if l.facts.Revision != w.history.newest().last() {
				w.fail("recovery", "nothing is wrong, and %s answers at %v", l.name, l.facts.Revision)
				return
			}
		}
	}
}
