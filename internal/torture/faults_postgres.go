// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture/cluster"
)

var postgresFaults = []Fault{
	{
		Number: 11, Name: "Postgres is started again", Times: 3,
		How:    "pg_ctl restart fast and immediate, kill -9 of the postmaster, kill -9 of all, frozen for a while",
		Expect: "nobody is refused within half a lease after it went, nor at all where it is back so soon that there is time for a round",
		Inject: restartPostgres, Check: expect(happened("down"), unnoticed),
	},
	{
		Number: 12, Name: "failover, the old primary is dead",
		How:    "the primary is killed, the standby promoted, all led there",
		Expect: "nothing is decided once leases are over and before the standby is promoted",
		Inject: failover, Check: expect(happened("promoted"), refusedOnceLapsed("dead", "promoting")),
	},
	{
		Number: 13, Name: "failover, the old primary lives on", Times: 4,
		How:    "the standby is promoted; one replica keeps all sessions, or only some, with the old primary",
		Expect: "a replica that sees nothing else decides nothing once its lease is over",
		Inject: zombie, Check: expect(happened("promoted"), refusedOnceLapsed("left behind", "led over"),
			happenedEach(12*time.Second, 3, "kept all", "kept rounds", "kept pool", "kept lists", "kept some of the pool", "kept some of all", "kept acks")),
	},
	{
		Number: 15, Name: "waits for the standby are cancelled", Times: 2,
		How:    "synchronous_standby_names is a name that nobody bears, and every wait is cancelled; changes are tried again",
		Expect: "no change is ever OK meanwhile",
		Inject: cancelWaits, Check: expect(happened("cancelled"), neverOK("standby gone", "standby back")),
	},
}

// restartPostgres proves that a database which comes back is the same one, and that a short absence is ridden out.
func restartPostgres(ctx context.Context, s *Stage) {
	var acts []func()
	for _, stop := range []func(*testservers.PostgresProcess, testing.TB){
		(*testservers.PostgresProcess).Stop, (*testservers.PostgresProcess).StopImmediately,
		(*testservers.PostgresProcess).KillPostmaster, (*testservers.PostgresProcess).Kill,
	} {
		acts = append(acts, func() {
			primary := s.Postgres.Primary()
			s.mark("down", -1)
			stop(primary, s)
			pause(ctx, upTo(s.rand, s.Options.Lease/4))
			primary.Start(s)
			s.Postgres.AwaitSync(s)
			s.mark("up", -1)
		})
	}
	acts = append(acts, func() {
		s.mark("down", -1)
		s.Postgres.Primary().Freeze(s)
		pause(ctx, upTo(s.rand, 2*s.Options.Lease))
		s.Postgres.Primary().Thaw(s)
		s.mark("up", -1)
	})
	s.each(ctx, 2*s.Options.Lease, acts...)
}

// unnoticed expects no refusal for want of a lease within half a lease after the database went down, and none at all where it was
// up again in time, unless it was down just before: rounds are made four times a lease, a tenth more or less, so seven tenths of
// one are left, and one that failed is tried again within 100 ms.
func unnoticed(o *Outcome) (complaint string) {
	last := -10 * o.Lease
	o.spans("down", "up", func(_ int, down, up time.Duration) {
		rested := down-last > o.Lease
		last = up
		if !rested {
			return
		}
		end := down + o.Lease/2
		if spare := down + o.Lease*7/10 - up - 100*time.Millisecond; spare > Slack {
			end = up + Slack
		}
		for _, a := range o.History.Asks {
			if a.Lapsed && !a.Strong && a.AtLeast == 0 && a.Start > down && a.End < end {
				complaint = fmt.Sprintf("the database was down from %v to %v, and refused was: %v", down, up, a)
			}
		}
	})
	return complaint
}

// failover proves that a replica which follows the database to another server knows what was confirmed on the one before.
func failover(ctx context.Context, s *Stage) {
	for ctx.Err() == nil {
		s.Postgres.Primary().Kill(s)
		s.mark("dead", -1)
		pause(ctx, upTo(s.rand, 2*s.Options.Lease))
		s.mark("promoting", -1)
		s.Promote(s)
		s.mark("promoted", -1)
		pause(ctx, s.between(s.Options.Lease, 3*s.Options.Lease))
		s.Rebuild(s)
		pause(ctx, upTo(s.rand, s.Options.Lease))
	}
}

// zombie proves that a server which answers as ever, but whose commits nobody confirms any more, gives nobody a lease, and that
// what is read from it is not taken for the truth.
func zombie(ctx context.Context, s *Stage) {
	var acts []func()
	for what, stay := range map[string]faultproxy.Match{"all": nil, "rounds": cluster.Rounds, "pool": cluster.Pool,
		"lists": cluster.Lists, "some of the pool": s.half(cluster.Pool), "some of all": s.half(nil), "acks": cluster.Acks} {
		acts = append(acts, func() {
			behind, old := s.anyReplica(), s.Postgres.Primary()
			s.Promote(s)
			s.mark("promoted", -1)
			s.all(func(r *cluster.Replica) {
				if r != behind {
					r.Postgres.Cut(nil)
				}
			})
			s.mark("kept "+what, behind.Number)
			if stay == nil { // whatever it connects to is the old primary
				behind.Postgres.Point(faultproxy.Route{Target: old.Address()})
				s.mark("left behind", behind.Number)
			} else {
				behind.Postgres.Cut(cluster.Not(stay))
			}
			s.outlastLease(ctx)
			s.mark("led over", behind.Number)
			behind.Postgres.Point(faultproxy.Route{Target: s.Postgres.Primary().Address()})
			behind.Postgres.Cut(nil)
			s.Rebuild(s)
		})
	}
	s.each(ctx, s.Options.Lease, acts...)
}

// half chooses half of what m chooses, at random.
func (s *Stage) half(m faultproxy.Match) faultproxy.Match {
	return func(head []byte) bool { return (m == nil || m(head)) && s.rand.IntN(2) == 0 }
}

// cancelWaits proves that a commit which was not confirmed is not answered OK, though Postgres calls it a success, and neither
// is a call that is repeated and finds its work done.
func cancelWaits(ctx context.Context, s *Stage) {
	primary := s.Postgres.Primary()
	for ctx.Err() == nil {
		// First the name, so that whatever begins after the mark is not confirmed.
		primary.Configure(s, "synchronous_standby_names", "nobody")
		pause(ctx, 200*time.Millisecond)
		s.mark("standby gone", -1)
		for end := time.Now().Add(s.between(s.Options.Lease/2, 2*s.Options.Lease)); time.Now().Before(end) && ctx.Err() == nil; {
			if s.cancelAll(ctx, primary) > 0 {
				s.mark("cancelled", -1)
			}
			pause(ctx, upTo(s.rand, 20*time.Millisecond))
		}
		s.mark("standby back", -1)
		primary.Configure(s, "synchronous_standby_names", "standby")
		pause(ctx, upTo(s.rand, 2*s.Options.Lease))
	}
}

// cancelAll cancels every wait for a standby, and returns how many there were.
func (s *Stage) cancelAll(ctx context.Context, server *testservers.PostgresProcess) (n int) {
	err := s.Admin(s, server).QueryRowContext(ctx, `SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
		WHERE wait_event = 'SyncRep' AND pid <> pg_backend_pid()`).Scan(&n)
	if err != nil && ctx.Err() == nil {
		s.Log(err)
	}
	return n
}
