// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"errors"
	"sync"
	"time"

	"aeroplane.run/authz"
)

// A Store is a database behind a fence: what decisions need is kept in memory, and a change that narrows is answered when
// it is in force everywhere.
type Store struct {
	authz.Store
	config  Config
	loop    loop
	barrier barrier
	fills   fills
	reads   reads

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
}

var (
	_ authz.Store     = (*Store)(nil)
	_ authz.FactStore = (*Store)(nil)
)

// Open begins to follow the history of a database. It does not wait for a lease: until there is one, look-ups do.
// Errors: FailedPrecondition if the lease is out of bounds.
func Open(c Config) (*Store, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Store{Store: c.Database, config: c, reads: newReads()}
	s.life, s.end = context.WithCancel(context.Background())
	s.loop = loop{Config: c, wake: newBell(), ack: acker{wake: newBell()}}
	s.barrier = barrier{Config: c, acks: &s.loop.ack, wake: newBell()}
	s.fills = fills{Config: &s.config, life: s.life, loop: &s.loop,
		slots: make(chan struct{}, c.MaxReads), flights: make(map[route]*flight)}
	s.running.Go(func() { s.loop.run(s.life) })
	if c.Members != nil {
		s.running.Go(func() { s.barrier.run(s.life) })
	}
	return s, nil
}

// Close gives the lease up, leaves the members, and closes the database, in this order: nobody counts on us to have
// stopped before we have. A look-up that is under way still answers if it needs nothing more from the database. One that
// does, one that begins later, and a change that waits, are refused.
func (s *Store) Close() error {
	s.end()
	s.running.Wait()
	s.fills.close()
	return s.Store.Close()
}

// Ping reports whether the store decides: whether it has a lease. A lease that never ends says nothing of the database,
// which is asked as well then.
func (s *Store) Ping(ctx context.Context) error {
	if ctx.Err() != nil {
		return lapsed(ctx)
	}
	if _, _, err := s.enter(ctx, &authz.Query{}); err != nil {
		return err
	}
	if s.config.Members == nil {
		return s.Store.Ping(ctx)
	}
	return nil
}

// settle gives the receipt of a change that was made when it is in force. err is the database's.
func (s *Store) settle(ctx context.Context, c authz.Change, r authz.Receipt, err error) (authz.Receipt, error) {
	if err != nil {
		var known *authz.Error
		if errors.As(err, &known) && known.Code == authz.CodeOutcomeUnknown {
			s.config.Observer.Unconfirmed()
		}
		return authz.Receipt{}, err
	}
	if g := s.loop.current.Load(); g == nil || !g.window.holds(r.Revision) {
		s.loop.look()
	}
	if alone := s.config.Members == nil; !r.Narrowing && !c.Wait && !alone { // who is alone has nobody to wait for
		return r, nil
	}
	if r.Barrier, r.Took, err = s.pass(ctx, r.Revision); err != nil {
		return authz.Receipt{}, (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeOutcomeUnknown,
			Message: "the change was made, but not every replica is known to have heard of it; repeat the call"}).Because(err)
	}
	s.config.Observer.Barrier(r.Barrier, r.Took)
	return r, nil
}

// pass waits until a change is in force everywhere. Who is alone needs to apply it, and nothing else.
func (s *Store) pass(ctx context.Context, r authz.Revision) (authz.Barrier, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	if s.config.Members != nil {
		return s.barrier.pass(ctx, r)
	}
	since := s.config.Clock.Boot()
	applied := func() bool { g := s.loop.current.Load(); return g != nil && g.applied.Load().Seq >= r.Seq }
	if !s.loop.moved.await(ctx, applyTimeout, applied) {
		return 0, 0, errors.Join(ctx.Err(), errors.New("the change was not applied"))
	}
	return authz.Acked, s.config.Clock.Boot() - since, nil
}
