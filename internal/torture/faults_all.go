// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"slices"
	"sync"
	"time"
)

var everything = []Fault{{
	Number: 30, Name: "everything at once", Times: 6,
	How: "faults of replicas, of Redis, and of Postgres, its disk and the network, but for F14, F29 and those of another environment, " +
		"drawn at random, at the same time",
	Expect: "progress within 10 s after all is healed",
	Inject: atOnce, Check: expect(happened("begun"), func(o *Outcome) string {
		if o.Recovered > 10*time.Second {
			return "no progress for " + o.Recovered.String()
		}
		return ""
	}),
}}

// atOnce proves what all others prove, in whatever mixture chance comes up with. What belongs together is harmed by one hand:
// replicas, Redis, and Postgres with the way there.
func atOnce(ctx context.Context, s *Stage) {
	hands := [][]Fault{processFaults, redisFaults, slices.Concat(postgresFaults, diskFaults, networkFaults, sessionFaults)}
	if s.hooks {
		hands[0] = slices.Concat(hands[0], clockFaults)
	}
	var all sync.WaitGroup
	for i, faults := range hands {
		faults = slices.DeleteFunc(slices.Clone(faults), func(f Fault) bool {
			lacks := f.lacks(s.hooks, true)
			if lacks == Root {
				s.mark(notDone+"what needs root", -1)
			}
			return f.anew() || lacks != "" || f.Number == 29 // the machine is small
		})
		if len(faults) == 0 {
			continue
		}
		own := s.fork()
		own.hooks = s.hooks && i == 0 // a replica that is frozen heeds no orders
		all.Go(func() {
			for ctx.Err() == nil {
				f := faults[own.rand.IntN(len(faults))]
				own.mark("begun", f.Number)
				part, cancel := context.WithTimeout(ctx, own.between(own.Options.Lease, 6*own.Options.Lease))
				f.Inject(part, own)
				cancel()
				pause(ctx, upTo(own.rand, own.Options.Lease))
			}
		})
	}
	all.Wait()
}

// fork returns a stage for another hand: the same system and load, and chance of its own.
func (s *Stage) fork() *Stage {
	return &Stage{TB: s.TB, Cluster: s.Cluster, fault: s.fault, load: s.load, rand: s.chance(),
		duration: s.duration, hooks: s.hooks, noted: s.noted}
}
