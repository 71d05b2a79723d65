// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/control"
)

// A Stage is what a fault works with: the system, the load on it, and chance.
type Stage struct {
	testing.TB
	*cluster.Cluster
	fault    *Fault
	load     *load
	rand     *rand.Rand
	duration time.Duration // of the fault
	hooks    bool          // replicas heed orders
	noted    *notes
}

// notes are what was done.
type notes struct {
	mu    sync.Mutex
	marks []Mark // guarded by mu
}

// mark notes that something was done now, to a replica or, by -1, to none in particular.
func (s *Stage) mark(what string, replica int) {
	at := s.load.Now()
	s.noted.mu.Lock()
	defer s.noted.mu.Unlock()
	s.noted.marks = append(s.noted.marks, Mark{what, replica, at})
}

// anyReplica returns one of those that were there from the start.
func (s *Stage) anyReplica() *cluster.Replica { return s.Replicas[s.rand.IntN(s.Options.Replicas)] }

// all calls do with each replica that was there from the start.
func (s *Stage) all(do func(*cluster.Replica)) {
	for _, r := range s.Replicas[:s.Options.Replicas] {
		do(r)
	}
}

// between returns a random time.
func (s *Stage) between(least, most time.Duration) time.Duration {
	return least + upTo(s.rand, most-least)
}

// outlastLease pauses until every lease that is not renewed meanwhile has been over for a while, by any clock that is tried.
func (s *Stage) outlastLease(ctx context.Context) {
	pause(ctx, longestWait(s.Options.Lease)+s.between(200*time.Millisecond, 1200*time.Millisecond))
}

// chance returns chance for another goroutine.
func (s *Stage) chance() *rand.Rand { return rand.New(rand.NewPCG(s.rand.Uint64(), 0)) }

// each calls the acts, one after the other, in an order of chance, again and again until ctx ends. Between two of them it
// pauses for a random time of up to rest.
func (s *Stage) each(ctx context.Context, rest time.Duration, acts ...func()) {
	for {
		for _, i := range s.rand.Perm(len(acts)) {
			if ctx.Err() != nil {
				return
			}
			acts[i]()
			pause(ctx, upTo(s.rand, rest))
		}
	}
}

// leave leaves orders for a replica, which heeds them when it can, and reports whether it could.
func (s *Stage) leave(r *cluster.Replica, o control.Orders) bool {
	err := r.Control.Order(o)
	if err != nil {
		s.Error(err)
	}
	return err == nil
}

// order tells a replica what to do, and returns when it heeds that.
func (s *Stage) order(r *cluster.Replica, o control.Orders) {
	if !s.leave(r, o) {
		return
	}
	for limit := time.Now().Add(5 * time.Second); r.Running() && !r.Control.Obeyed(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			s.Errorf("replica %d does not heed its orders: was it built with -tags torture?", r.Number)
			return
		}
	}
}

// await returns whether something came about before ctx ended or the limit was over.
func (s *Stage) await(ctx context.Context, limit time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !done() {
		if ctx.Err() != nil {
			return false
		}
		pause(ctx, time.Millisecond)
	}
	return true
}

// restart starts a replica again after it was ended, as it was, or with another environment.
func (s *Stage) restart(r *cluster.Replica, env ...string) {
	if !r.Running() {
		s.mark("start", r.Number)
		r.StartAgain(s, env...)
	}
}
