// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/control"
	"aeroplane.run/authz/internal/torture/history"
)

var networkFaults = []Fault{
	{
		Number: 10, Name: "Postgres is cut off from one replica", Times: 2,
		How:    "reset and refused; held both ways, or only one; packets dropped one way by the kernel; 300 ± 300 ms on the way",
		Expect: "it decides nothing once its lease is over, and a change takes no longer than the longest wait",
		Inject: cutPostgres, Check: expect(happened("cut off"), refusedOnceLapsed("cut off", "healed"),
			othersWithin("harmed", "healed", waitAndSlack)),
	},
	{
		Number: 17, Name: "notifications are lost",
		How:    "what Postgres says to the session that listens is dropped",
		Expect: "a change takes no longer than until the next round",
		Inject: loseNotifications, Check: expect(happened("deaf"),
			changesWithin(waitAndSlack), mostlyAcked,
			mostChangesWithin(0.95, func(o *Outcome) time.Duration { return o.Lease/4 + 50*time.Millisecond })),
	},
	{
		Number: 21, Name: "reads are slow to answer",
		How:    "answers to reads of records are held for up to 10 s after the read, or a third of the fault's time; with hooks as well",
		Expect: "some are of before a change, and are not used",
		Inject: slowReads, Check: expect(happened("slow"), grew(rejectedTotal, "database")),
	},
	{
		Number: 22, Name: "many wait for one read",
		How:    "a read is held, its record taken away, and a hundred others ask for it before it is let go",
		Expect: "nobody takes the record from before",
		Inject: sharedRead, Check: expect(happened("joined"), grew(rejectedTotal, "database")),
	},
}

// cutPostgres proves that a replica which cannot be told of changes stops by itself before anybody is told OK, and that what
// it does not hear it does not make up.
func cutPostgres(ctx context.Context, s *Stage) {
	var acts []func()
	for _, f := range []faultproxy.Faults{{Refuse: true}, {Hold: faultproxy.Both}, {Hold: faultproxy.Up}, {Hold: faultproxy.Down}, {Deaf: true}} {
		acts = append(acts, func() {
			r := s.anyReplica()
			s.mark("harmed", r.Number)
			r.Postgres.Set(f)
			if f.Refuse {
				r.Postgres.Cut(nil)
			}
			s.mark("cut off", r.Number)
			s.outlastLease(ctx)
			s.mark("healed", r.Number)
			r.Postgres.Clear()
		})
	}
	acts = append(acts, func() { // it may keep its lease
		r := s.anyReplica()
		s.mark("harmed", r.Number)
		s.mark("slowed", r.Number)
		r.Postgres.Set(faultproxy.Faults{Delay: 300 * time.Millisecond, Jitter: 300 * time.Millisecond})
		pause(ctx, 2*s.Options.Lease)
		r.Postgres.Clear()
		pause(ctx, time.Second) // who made a change there waits until it can ask who is there
		s.mark("healed", r.Number)
	})
	s.each(ctx, s.Options.Lease, acts...)
}

// loseNotifications proves that notifications are for speed alone.
func loseNotifications(ctx context.Context, s *Stage) {
	s.mark("deaf", -1)
	s.all(func(r *cluster.Replica) {
		r.Postgres.Set(faultproxy.Faults{Drop: faultproxy.Down, Only: cluster.Listener})
	})
	<-ctx.Done()
}

// slowReads proves that a record counts only if it is as new as what was applied when it arrives, however old the read.
func slowReads(ctx context.Context, s *Stage) {
	most := min(10*time.Second, max(3*s.Options.Lease, s.duration/3))
	held := func(r *cluster.Replica) func() {
		return func() {
			s.mark("slow", r.Number)
			r.Postgres.Set(faultproxy.Faults{Hold: faultproxy.Down, Only: cluster.Pool})
			pause(ctx, s.between(10*time.Millisecond, most))
			r.Postgres.Clear()
		}
	}
	// One first that is of before a change for sure: of the others, chance may have none in a short time. Replicas say when there
	// was one, for on a busy machine the read may come so late that it is of after the change.
	before := counted(s, s.Cluster, s.fault)
	refused := func() bool { return grown(before, counted(s, s.Cluster, s.fault))(rejectedTotal, "database") > 0 }
	for s.Options.Replicas > 1 && ctx.Err() == nil && !(s.readFromBefore(ctx, 1) && refused()) {
		pause(ctx, upTo(s.rand, 20*time.Millisecond))
	}
	var acts []func()
	s.all(func(r *cluster.Replica) { acts = append(acts, held(r)) })
	if s.hooks {
		acts = append(acts, func() {
			r := s.anyReplica()
			s.mark("slow", r.Number)
			long := s.between(10*time.Millisecond, most)
			s.order(r, control.Orders{Places: map[string]control.Order{placeRead: {Do: control.Delay, For: long}}})
			pause(ctx, long+s.Options.Lease)
			s.order(r, control.Orders{})
		})
	}
	s.each(ctx, s.Options.Lease/2, acts...)
}

// sharedRead proves that each of those who share a read judges for itself what it brought.
func sharedRead(ctx context.Context, s *Stage) {
	if s.Options.Replicas < 2 {
		return
	}
	for ctx.Err() == nil {
		if s.readFromBefore(ctx, 100) {
			s.mark("joined", -1)
		}
		pause(ctx, upTo(s.rand, 200*time.Millisecond))
	}
}

// readFromBefore holds a read while its record is taken away and so many others ask for it, lets it go, and reports whether it
// was so.
func (s *Stage) readFromBefore(ctx context.Context, others int) bool {
	victim := s.rand.IntN(s.Options.Replicas)
	on, other := s.load.doors[victim], s.load.doors[(victim+1)%s.Options.Replicas]
	begun := s.begin(ctx, other, history.RevokeKey)
	if len(begun) == 0 {
		return false
	}
	p := begun[0]
	reads := s.Replicas[victim].Postgres
	reads.Set(faultproxy.Faults{Hold: faultproxy.Down, Only: cluster.Pool})
	defer reads.Clear()
	p.ask(on, 1) // for what nobody has asked for on this replica: it is read
	pause(ctx, s.between(10*time.Millisecond, 50*time.Millisecond))
	if !p.end(ctx, func() door { return other }) {
		return false
	}
	p.ask(on, others)
	pause(ctx, 20*time.Millisecond)
	return true
}
