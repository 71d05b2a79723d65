// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/control"
)

// The places in the code of a replica at which it may be told to do something.
const (
	placeCommitted = "barrier: to ask"             // a change is committed, and nobody is known to have heard of it
	placeJoined    = "loop: joined, not read"      // it is a member, and has not read the log
	placeApplied   = "ack: to send"                // it has applied a change, and has not said so
	placeWindow    = "lower: noted, not lowered"   // while what changed further back is read
	placeRead      = "fill: landed, not looked at" // a record was read, and is not judged yet
)

var processFaults = []Fault{
	{
		Number: 1, Name: "a replica is killed", Times: 2,
		How:    "kill -9 at any time; with hooks also between commit and barrier, join and first read, apply and acknowledgement",
		Expect: "a change takes no longer than the longest wait",
		Inject: kill, Check: expect(happened("kill"), changesWithin(waitAndSlack), happenedEach(5*time.Second, 5, "kill, "+placeCommitted,
			"kill, "+placeJoined, "kill, "+placeApplied, "kill, "+placeWindow)),
	},
	{
		Number: 2, Name: "a replica is paused",
		How: "kill -STOP for half a lease, for a little more than one, for three waits, with requests queued meanwhile; as root also " +
			"by its control group",
		Expect: "what was queued is answered late, and only then judged",
		Inject: freezeReplica, Check: expect(happened("freeze"), queued),
	},
	{
		Number: 3, Name: "the replica that makes a change is paused before it answers",
		How: "it stops itself between commit and barrier", Needs: []Need{Hooks},
		Expect: "changes by others take no longer than the longest wait",
		Inject: freezeRevoker, Check: expect(happened("stopped in a change"), othersWithin("stopped in a change", "woken", waitAndSlack)),
	},
	{
		Number: 4, Name: "garbage collection",
		How: "GOGC=5, GOMEMLIMIT=24MiB, GOMAXPROCS=1", Inject: func(context.Context, *Stage) {},
		Env: func(int) []string { return []string{"GOGC=5", "GOMEMLIMIT=24MiB", "GOMAXPROCS=1"} },
	},
	{
		Number: 26, Name: "replicas are started again one by one",
		How: "SIGTERM in turn, and then kill -9 in turn", Expect: "after SIGTERM nobody is waited for in vain",
		Inject: rollingRestart, Check: expect(happened("end"), neverWaited("graceful", "forced")),
	},
	{
		Number: 29, Name: "twenty replicas join and die",
		How:    "20 more start and are killed, at random, which may be more than the machine can carry",
		Expect: "a change takes no longer than where the list of replicas cannot be read, and half of them no longer than a wait",
		Inject: joinStorm, Check: expect(happened("start"), mostChangesWithin(0.5, (*Outcome).wait),
			changesWithin(func(*Outcome) time.Duration { return longestWait(fence.MaxLease) + Slack })),
	},
}

// kill proves that nobody who died is forgotten while what they granted may still be believed, wherever they died.
func kill(ctx context.Context, s *Stage) {
	at := func(place string) func() {
		return func() {
			r := s.anyReplica()
			if !s.hooks || !r.Running() {
				return
			}
			s.order(r, control.Orders{Places: map[string]control.Order{place: {Do: control.Die}}})
			if place == placeJoined || place == placeWindow { // which it comes to when it begins
				r.Kill()
				r.Start(s)
			}
			if s.await(ctx, 2*s.Options.Lease, func() bool { return !r.Running() }) {
				s.mark("kill", r.Number)
				s.mark("kill, "+place, r.Number)
			}
			s.order(r, control.Orders{})
			pause(ctx, upTo(s.rand, 2*s.Options.Lease))
			s.restart(r)
		}
	}
	s.each(ctx, s.Options.Lease, func() {
		r := s.anyReplica()
		s.mark("kill", r.Number)
		r.Kill()
		pause(ctx, upTo(s.rand, 2*s.Options.Lease)) // before or after it is counted as dead
		s.restart(r)
		_ = r.Ready(ctx, s.Options.Lease)
	}, at(placeCommitted), at(placeJoined), at(placeApplied), at(placeWindow))
}

// freezeReplica proves that a lease ends by a clock that runs on while its holder does not, and that a request which waited
// in a socket is judged when it is read, and not as of when it was sent.
func freezeReplica(ctx context.Context, s *Stage) {
	lease := s.Options.Lease
	var acts []func()
	for _, d := range []time.Duration{lease / 2, lease + 100*time.Millisecond, 3 * (lease + lease/4)} {
		acts = append(acts, func() {
			r := s.anyReplica()
			s.mark("freeze", r.Number)
			r.Freeze()
			pause(ctx, d)
			s.mark("thaw", r.Number)
			r.Thaw()
		})
	}
	acts = append(acts, func() {
		r := s.anyReplica()
		resume, err := r.Suspend()
		if errors.Is(err, os.ErrProcessDone) { // of another fault, at the same time
			return
		}
		if err != nil {
			s.mark(notDone+"suspend, which needs root and a place for control groups", r.Number)
			return
		}
		s.mark("freeze", r.Number)
		s.mark("suspend", r.Number)
		pause(ctx, lease+100*time.Millisecond)
		s.mark("thaw", r.Number)
		resume()
	})
	s.each(ctx, lease, acts...)
}

// queued expects some requests to have begun while their replica was frozen.
func queued(o *Outcome) string {
	n := 0
	o.spans("freeze", "thaw", func(replica int, from, to time.Duration) {
		for _, a := range o.History.Asks {
			if int(a.Replica) == replica && a.Start > from && a.Start < to && a.End > to {
				n++
			}
		}
	})
	if n == 0 {
		return "no request was queued in a frozen replica"
	}
	return ""
}

// freezeRevoker proves that nobody else depends on who makes a change, and that the change is not answered before its time.
func freezeRevoker(ctx context.Context, s *Stage) {
	s.each(ctx, s.Options.Lease, func() {
		r := s.anyReplica()
		before := r.Control.Reached(placeCommitted)
		// It may stop before it can say that it heeds this.
		s.leave(r, control.Orders{Places: map[string]control.Order{placeCommitted: {Do: control.Stop, Times: 1}}})
		if s.await(ctx, 2*s.Options.Lease, func() bool { return r.Control.Reached(placeCommitted) > before }) {
			s.mark("stopped in a change", r.Number)
			pause(ctx, upTo(s.rand, 2*s.Options.Lease))
		}
		s.leave(r, control.Orders{})
		// It may stop only now: what says that it comes to the place is written before, and the signal has its own time.
		s.await(context.WithoutCancel(ctx), 5*time.Second, func() bool { r.Thaw(); return !r.Running() || r.Control.Obeyed() })
		pause(context.WithoutCancel(ctx), 20*time.Millisecond)
		r.Thaw()
		pause(ctx, time.Second) // its connections are made anew: who makes a change there waits until it can ask who is there
		s.mark("woken", r.Number)
	})
}

// rollingRestart proves that a replica which leaves in good order stops deciding before it is counted no more, so that nobody
// has to wait for it; and that a new one knows everything it must before it decides.
func rollingRestart(ctx context.Context, s *Stage) {
	half, cancel := context.WithTimeout(ctx, s.duration/2)
	defer cancel()
	turn := func(ctx context.Context, end func(*cluster.Replica)) {
		for n := 0; ctx.Err() == nil; n++ {
			r := s.Replicas[n%s.Options.Replicas]
			s.mark("end", r.Number)
			end(r)
			s.restart(r)
			_ = r.Ready(ctx, 10*time.Second)
			pause(ctx, upTo(s.rand, s.Options.Lease/2))
		}
	}
	s.mark("graceful", -1)
	turn(half, func(r *cluster.Replica) { r.Stop(s, 15*time.Second) })
	s.mark("forced", -1)
	turn(ctx, (*cluster.Replica).Kill)
}

// joinStorm proves that a change waits for whoever joined before it and for nobody else, and no longer than it must, however
// many come and go.
func joinStorm(ctx context.Context, s *Stage) {
	const many = 20
	for len(s.Replicas) < s.Options.Replicas+many {
		s.AddReplica(s)
	}
	extra := s.Replicas[s.Options.Replicas:]
	defer func() {
		for _, r := range extra {
			if r.Running() {
				r.Kill()
			}
		}
	}()
	for ctx.Err() == nil {
		r := extra[s.rand.IntN(len(extra))]
		if r.Running() {
			s.mark("kill", r.Number)
			r.Kill()
		} else {
			s.restart(r, "GOMAXPROCS=1", fmt.Sprintf("GOMEMLIMIT=%dMiB", 64))
		}
		pause(ctx, upTo(s.rand, 300*time.Millisecond))
	}
}
