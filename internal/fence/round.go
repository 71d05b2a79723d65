// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"

	"aeroplane.run/authz"
)

// round renews the lease, and tells those who wait for a round.
func (l *loop) round(ctx context.Context, g *generation) error {
	number := l.begun.Add(1)
	if err := l.renew(ctx, g); err != nil {
		return err
	}
	l.done.Store(number)
	l.moved.announce()
	g.retire(l.Clock.Boot())
	if l.Members != nil {
		l.collect(ctx, g)
	}
	return nil
}

// renew renews the lease. The lease counts from before the question, so from before anything that the answer could have
// missed. It is the commit that proves that the server is still the one whose commits count; a read would prove nothing.
func (l *loop) renew(ctx context.Context, g *generation) error {
	if l.Members == nil { // we are alone: nothing changes but by us
		if err := l.catchUp(ctx, g); err != nil {
			return err
		}
		g.vouched.Store(forEver)
		g.extend(forEver)
		return nil
	}
	for {
		t0 := l.Clock.Boot()
		answer, err := l.ask(ctx, g)
		l.Observer.Round(err == nil)
		if err != nil {
			return err
		}
		if err := l.applyAll(g, answer.Rows); err != nil {
			return err
		}
		if len(answer.Rows) >= l.limits.batch {
			continue // there may be more, and the lease must not outlive what was not read
		}
		g.vouched.Store(g.applied.Load().Seq)
		g.clock.Store(&reading{clock: answer.Clock, boot: t0})
		step("round: applied, not extended")
		g.extend(t0 + l.Lease)
		return nil
	}
}

func (l *loop) ask(ctx context.Context, g *generation) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Lease/2)
	defer cancel()
	return l.Members.Round(ctx, g.id, *g.applied.Load(), l.limits.batch)
}

// catchUp applies what is new, and says so. It does not renew the lease: reading proves nothing. It takes no longer than it
// may, lest the next round be late.
func (l *loop) catchUp(ctx context.Context, g *generation) error {
	ctx, cancel := context.WithTimeout(ctx, l.Lease/roundsPerLease)
	defer cancel()
	defer l.moved.announce() // some may be applied when the rest fails
	for {
		rows, err := l.History.Since(ctx, g.applied.Load().Seq, l.limits.batch)
		if err != nil {
			return err
		}
		if err := l.applyAll(g, rows); err != nil {
			return err
		}
		if len(rows) < l.limits.batch {
			return nil
		}
	}
}

// applyAll applies rows, of which the first is the one that was applied last. If it is not, the log is another one. What
// somebody may wait for is acknowledged once it is applied.
func (l *loop) applyAll(g *generation, rows []Row) error {
	if len(rows) == 0 {
		return errMismatch{"gone"}
	}
	if rows[0].Revision != *g.applied.Load() {
		return errMismatch{"mismatch"}
	}
	var subjects []authz.Subject // which changed, for the shelf
	for _, r := range rows[1:] {
		if r.Seq != g.applied.Load().Seq+1 {
			return errMismatch{"gap"}
		}
		g.apply(r)
		l.owing = l.owing || r.Narrowing
		if l.Shelf != nil && aboutOne(r.Subject) {
			subjects = append(subjects, r.Subject)
		}
	}
	if l.owing && l.Members != nil {
		l.ack.send(g)
	}
	l.owing = l.owing && len(rows) >= l.limits.batch // of a long change the last row counts, which may take nothing away
	if subjects != nil {
		l.Shelf.Drop(subjects)
	}
	return nil
}

// lower makes the window reach back by a batch. The newest row of the batch must be one that we know, or the rows could be
// of another history.
func (l *loop) lower(ctx context.Context, g *generation) {
	if g.window.room() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.Lease/roundsPerLease)
	defer cancel()
	floor, _ := g.window.bounds()
	rows, err := l.History.Through(ctx, floor, l.limits.batch)
	if err != nil || len(rows) == 0 || rows[0].Seq != floor || !g.window.holds(rows[0].Revision) {
		return // another time: it is for the hit rate only
	}
	g.lower(rows)
	if reached, _ := g.window.bounds(); len(rows) < l.limits.batch || reached == floor {
		g.window.end()
	}
	l.moved.announce()
	l.look() // and on
}
