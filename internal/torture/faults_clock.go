// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/control"
)

// The clocks of the machine are left alone: replicas are told to believe in others.
var clockFaults = []Fault{
	{
		Number: 23, Name: "wall clocks step", Needs: []Need{Hooks},
		How: "each replica's wall clock steps by up to an hour, forward and back", Expect: "leases go on, and sessions end when they are to",
		Inject: stepWall, Check: expect(happened("stepped"), decidedMeanwhile("stepped", "stepped back"), someExpired),
	},
	{
		Number: 24, Name: "boot clocks run at different rates", Times: 2, Needs: []Need{Hooks},
		How:    "one replica's runs a tenth too fast, another's a tenth too slow, while one after the other is cut off from Postgres",
		Expect: "one that is cut off decides nothing once its lease is over",
		Inject: bendClocks, Check: expect(happened("cut off"), refusedOnceLapsed("cut off", "healed")),
	},
	{
		Number: 25, Name: "a machine is suspended", Needs: []Need{Hooks},
		How: "a replica is cut off from Postgres and stopped for an instant, its boot clock and wall clock jump by one to three leases " +
			"and its monotonic one does not, and it goes on",
		Expect: "it decides nothing, though by its monotonic clock it would have a lease",
		Inject: suspend, Check: expect(happened("suspended"), refusedAtOnce("woken", "healed")),
	},
}

// stepWall proves that nothing depends on what time a replica believes it is.
func stepWall(ctx context.Context, s *Stage) {
	s.each(ctx, s.Options.Lease/2, func() {
		r := s.anyReplica()
		s.mark("stepped", r.Number)
		s.order(r, control.Orders{Wall: s.between(-time.Hour, time.Hour)})
		pause(ctx, upTo(s.rand, 2*s.Options.Lease))
		s.mark("stepped back", r.Number)
		s.order(r, control.Orders{})
	})
}

// bendClocks proves that a change waits long enough for a replica whose clock is slow, by a clock that is fast.
func bendClocks(ctx context.Context, s *Stage) {
	for i, rate := range []float64{0.9, 1.1} {
		if i < s.Options.Replicas {
			s.order(s.Replicas[i], control.Orders{Rate: rate})
		}
	}
	defer s.all(func(r *cluster.Replica) { s.order(r, control.Orders{}) })
	cutPostgres(ctx, s)
}

// suspend proves that a lease ends while a machine sleeps. The replica is stopped before the clocks jump, as its machine would
// be, for so short that only the boot clock tells; and it is cut off from Postgres, so that it could only go on by what it had.
func suspend(ctx context.Context, s *Stage) {
	ahead := make(map[int]time.Duration)
	defer func() { // a boot clock never goes back: whoever is to have the machine's again begins anew
		for n := range ahead {
			r := s.Replicas[n]
			r.Kill()
			s.order(r, control.Orders{})
			s.restart(r)
		}
	}()
	for ctx.Err() == nil {
		r := s.anyReplica()
		r.Postgres.Set(faultproxy.Faults{Hold: faultproxy.Both})
		r.Freeze()
		s.mark("suspended", r.Number)
		ahead[r.Number] += s.between(s.Options.Lease, 3*s.Options.Lease)
		s.leave(r, control.Orders{Boot: ahead[r.Number], Wall: ahead[r.Number]})
		r.Thaw()
		s.await(context.WithoutCancel(ctx), 5*time.Second, r.Control.Obeyed) // it looks at its clocks every two milliseconds
		s.mark("woken", r.Number)
		pause(ctx, s.Options.Lease/2)
		s.mark("healed", r.Number)
		r.Postgres.Clear()
		pause(ctx, upTo(s.rand, 2*s.Options.Lease))
	}
}
