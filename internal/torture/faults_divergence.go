// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/history"
)

var divergenceFaults = []Fault{{
	Number: 14, Name: "two primaries diverge", Times: 3, Excuse: history.Leniency{Diverged: true},
	How: "the standby is cut off, and waiting commits are cancelled, so that they show and nobody confirmed them; the standby is " +
		"promoted and goes on from where it was; one replica stays behind until the numbers are the same",
	Expect: "no change is OK meanwhile, and replicas begin anew",
	// So long that a replica which stays behind for a while is still counted.
	Leases: func(int) time.Duration { return fence.MaxLease },
	Inject: diverge, Check: expect(happened("followed"), happened("led over"), neverOK("standby cut off", "promoted"),
		grew(abandonedTotal, "mismatch")),
}}

// diverge proves that replicas tell two histories apart though their numbers are the same, and that what was never confirmed
// is never answered OK, not even when it shows.
func diverge(ctx context.Context, s *Stage) {
	for ctx.Err() == nil {
		known := s.begin(ctx, s.load.doors[s.rand.IntN(s.Options.Replicas)],
			history.RevokeKey, history.RevokeSession, history.MoveService, history.ChangeOwner)
		for _, p := range known {
			p.warm()
		}
		s.load.calm.Store(true) // replicas read what was not confirmed between two rounds, which would fail
		pause(ctx, 300*time.Millisecond)
		s.awaitRound(ctx)
		old, behind := s.partUnconfirmed(ctx, known)
		laggard, ahead := s.Replicas[behind], s.load.doors[(behind+1)%s.Options.Replicas]
		s.Promote(s)
		s.mark("promoted", -1)
		laggard.Postgres.Point(faultproxy.Route{Target: old.Address()})
		s.all(func(r *cluster.Replica) {
			if r != laggard {
				r.Postgres.Cut(nil)
			}
		})
		// What the laggard knows is taken away on the new line, at numbers that the old line has used for something else.
		for _, p := range known {
			s.load.running.Go(func() {
				if p.end(ctx, func() door { return ahead }) {
					p.askAll(ctx)
				}
			})
		}
		pause(ctx, 200*time.Millisecond)
		s.catchUp(ctx, old)
		laggard.Postgres.Point(faultproxy.Route{Target: s.Postgres.Primary().Address()})
		laggard.Postgres.Cut(nil)
		s.mark("led over", laggard.Number)
		s.load.calm.Store(false)
		pause(ctx, s.between(time.Second, 2*time.Second))
		s.Link.Clear()
		s.Rebuild(s)
		pause(ctx, upTo(s.rand, s.Options.Lease))
	}
}

// awaitRound returns when some replica has just made a round, and so makes none for a while.
func (s *Stage) awaitRound(ctx context.Context) {
	beats := func() (sum int64) {
		err := s.Inside(s, s.Postgres.Primary()).QueryRowContext(ctx, "SELECT sum(beat) FROM members").Scan(&sum)
		if err != nil && ctx.Err() == nil {
			s.Log(err)
		}
		return sum
	}
	before := beats()
	s.await(ctx, s.Options.Lease, func() bool { return beats() != before }) // each is drawn at random
}

// partUnconfirmed cuts the standby off, and has the primary go on without it for a moment: what waits for the standby is
// cancelled, and shows. It returns the primary, and a replica that has followed it if there soon is one.
func (s *Stage) partUnconfirmed(ctx context.Context, known []*pending) (*testservers.PostgresProcess, int) {
	primary, follower := s.Postgres.Primary(), s.rand.IntN(s.Options.Replicas)
	s.Link.Set(faultproxy.Faults{Refuse: true})
	s.Link.Cut(nil)
	pause(ctx, 100*time.Millisecond) // what the standby was sent by then has come, confirmed or not
	s.mark("standby cut off", -1)
	shared := s.head(ctx, s.Postgres.Standby())
	s.await(ctx, 2*time.Second, func() (found bool) {
		s.cancelAll(ctx, primary)
		pause(ctx, upTo(s.rand, 50*time.Millisecond))
		for i, d := range s.load.doors {
			if !found && appliedBy(ctx, d, known) > shared {
				s.mark("followed", i)
				follower, found = i, true
			}
		}
		return found
	})
	if s.rand.IntN(3) == 0 { // what was not cancelled shows as well, after a crash
		primary.StopImmediately(s)
		primary.Start(s)
	}
	return primary, follower
}

// appliedBy returns how far a replica has applied the log, which its answers say for as long as it has a lease.
func appliedBy(ctx context.Context, d door, known []*pending) int64 {
	if len(known) == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, at, _ := d.authorize(ctx, known[0].requests[0].AuthorizeRequest, nil)
	return at.Seq
}

// catchUp makes the log of the primary as long as that of the old one.
func (s *Stage) catchUp(ctx context.Context, old *testservers.PostgresProcess) {
	db, goal := s.Inside(s, s.Postgres.Primary()), s.head(ctx, old)
	for ctx.Err() == nil && s.head(ctx, s.Postgres.Primary()) <= goal {
		if _, err := db.ExecContext(ctx, "SELECT log_change(0, '', false)"); err != nil && ctx.Err() == nil {
			s.Log(err)
			pause(ctx, 10*time.Millisecond)
		}
	}
}

// head returns the number of the newest row of a server's log.
func (s *Stage) head(ctx context.Context, server *testservers.PostgresProcess) (seq int64) {
	err := s.Inside(s, server).QueryRowContext(ctx, "SELECT max(seq) FROM change_log").Scan(&seq)
	if err != nil && ctx.Err() == nil {
		s.Log(err)
	}
	return seq
}
