// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"errors"
	"time"

	"aeroplane.run/authz"
)

// How often a look-up begins again: anew, because its generation was given up; and to read, because something was applied
// while it read.
const (
	maxBeginnings = 4
	maxReadings   = 100
)

// Lookup implements authz.FactStore. First the lease is checked, and then, not before, records are read. All of them are
// true at what was applied before the first and after the last, which is one and the same.
func (s *Store) Lookup(ctx context.Context, l *authz.Lookup) error {
	for range maxBeginnings {
		g, boot, err := s.enter(ctx, &l.Query)
		if err == nil {
			err = s.facts(ctx, g, boot, l)
		}
		if err == nil || !errors.Is(err, errBeginAgain) {
			return err
		}
	}
	return unsettled()
}

// errBeginAgain says that what the look-up began with is no good any more.
var errBeginAgain = errors.New("begin again")

// facts reads the records that a query needs, until nothing is applied meanwhile: what a transaction changed is applied
// row by row, and records from before and after it together may say what was never true. It reads what is kept, and only if
// that is not all, it begins again with a reader that can do more.
func (s *Store) facts(ctx context.Context, g *generation, boot time.Duration, l *authz.Lookup) error {
	var from authz.Reader = g
	for range maxReadings {
		at := g.applied.Load()
		step("lookup: not read")
		read, err := l.Gather(from)
		if err == errNotKept && l.Query.AtOnce {
			return authz.ErrNotAtOnce // and counted when it is asked again
		}
		if from == g {
			s.reads.count(read, err != nil)
		}
		switch {
		case err == errNotKept: // nobody wraps it
			from = &reader{fills: &s.fills, ctx: ctx, g: g}
			continue
		case err != nil:
			return err
		}
		step("lookup: read, not compared")
		if g.applied.Load() != at {
			continue
		}
		if l.Query.Consistency.Strong && at.Seq > g.vouched.Load() {
			l.Facts = authz.Facts{}
			return errBeginAgain // what a mere read brought may be undone; who asks for all wants what stays
		}
		if from != g {
			boot = s.boot() // that took a while
		}
		l.Facts.Revision, l.Facts.Now = *at, s.judgeBy(g, boot)
		return nil
	}
	l.Facts = authz.Facts{}
	return unsettled()
}

// enter returns the generation to read under, after checking its lease, and the instant of the check by the boot clock. Where that
// cannot be had at once, and need not be, it waits a moment.
func (s *Store) enter(ctx context.Context, q *authz.Query) (*generation, time.Duration, error) {
	c := &q.Consistency
	g, boot, ok := s.leased()
	switch {
	case ok && !c.Strong && (c.AtLeast.IsZero() || g.knows(c.AtLeast)):
		return g, boot, nil
	case q.AtOnce:
		return nil, 0, authz.ErrNotAtOnce
	}
	return s.enterLater(ctx, c)
}

func (s *Store) enterLater(ctx context.Context, c *authz.Consistency) (*generation, time.Duration, error) {
	if c.Strong {
		if err := s.awaitRound(ctx); err != nil {
			return nil, 0, err
		}
	}
	g, boot, ok := s.leased()
	if !ok {
		if g, boot, ok = s.awaitLease(ctx); !ok {
			return nil, 0, lapsed(ctx)
		}
	}
	if !c.AtLeast.IsZero() {
		if err := s.awaitRevision(ctx, g, c.AtLeast); err != nil {
			return nil, 0, err
		}
	}
	return g, boot, nil
}

// leased returns the current generation if its lease holds. The clock is read for each request: a time that somebody
// else kept would be from before the process was stopped.
func (s *Store) leased() (*generation, time.Duration, bool) {
	g := s.loop.current.Load()
	step("lookup: generation picked, clock not read")
	boot := s.boot()
	step("lookup: clock read, lease not checked")
	if g == nil || !g.leased(boot) {
		return nil, 0, false
	}
	step("lookup: lease checked")
	return g, boot, true
}

// boot reads the boot clock, where there is a lease that goes by it. Else any instant will do.
func (s *Store) boot() time.Duration {
	if s.config.Members == nil {
		return 0
	}
	return s.config.Clock.Boot()
}

// awaitLease waits until there is a lease.
func (s *Store) awaitLease(ctx context.Context) (g *generation, boot time.Duration, ok bool) {
	s.loop.hurry()
	s.loop.moved.await(ctx, leaseWait, func() bool {
		g, boot, ok = s.leased()
		return ok || s.life.Err() != nil
	})
	return g, boot, ok
}

// awaitRound waits for a round that began after now.
func (s *Store) awaitRound(ctx context.Context) error {
	after := s.loop.begun.Load()
	s.loop.hurry()
	done := func() bool { return s.loop.done.Load() > after }
	if !s.loop.moved.await(ctx, s.config.Lease, func() bool { return done() || s.life.Err() != nil }) || !done() {
		return lapsed(ctx)
	}
	return nil
}

// awaitRevision waits until a revision is applied.
func (s *Store) awaitRevision(ctx context.Context, g *generation, r authz.Revision) error {
	reached := func() bool { return g.applied.Load().Seq >= r.Seq || g.ended() }
	if !reached() {
		s.loop.look()
		if !s.loop.moved.await(ctx, leaseWait, reached) {
			return behind(ctx)
		}
	}
	if g.window.holds(r) {
		return nil
	}
	// It is older than what we have looked back to yet, which takes a moment after a start; or of another history, which
	// may yet turn out to be the right one: only what a round has vouched for tells.
	known := func() bool {
		return g.window.holds(r) || g.ended() || g.vouched.Load() >= r.Seq && g.window.complete(r.Seq)
	}
	if !known() {
		s.loop.hurry()
		if !s.loop.moved.await(ctx, leaseWait, known) {
			return behind(ctx)
		}
	}
	switch {
	case g.window.holds(r):
		return nil
	case g.ended():
		return errBeginAgain
	}
	return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeRevisionUnknown,
		Message: "the revision is not of this database's history, or too old to tell; ask again without it"}
}

// judgeBy returns the time by which to judge what expires.
func (s *Store) judgeBy(g *generation, boot time.Duration) time.Time {
	if s.config.Members == nil {
		return s.config.Wall()
	}
	return g.now(boot)
}

func lapsed(ctx context.Context) error {
	return (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeLease,
		Message: "this replica cannot tell whether what it knows still holds, because the database does not confirm its lease; ask another"}).
		Because(ctx.Err())
}

func behind(ctx context.Context) error {
	return (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeLease,
		Message: "this replica does not know the revision yet; ask again"}).Because(ctx.Err())
}

func unsettled() error {
	return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded,
		Message: "what is asked for changes faster than it can be read; ask again"}
}
