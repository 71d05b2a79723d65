// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"os"
	"time"

	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/history"
)

// A Fault is a way to harm the system. What is promised is promised under every one of them.
type Fault struct {
	// Number is what the fault is known by: F1, F2, ...
	Number int
	Name   string
	// How says how it is done, and Expect what must hold besides the promise.
	How, Expect string
	// Needs are without which it is skipped.
	Needs []Need
	// Times is how many times as long as others it lasts. Zero: once.
	Times int
	// Excuse is what it excuses.
	Excuse history.Leniency
	// Env is what the replicas run with while it lasts, and Leases what leases they have. Nil: nothing, and the usual ones. Where it
	// has either, its replicas are started anew.
	Env    func(replica int) []string
	Leases func(replica int) time.Duration
	// Earlier says which replicas are of the earlier version while it lasts, if they are started anew. Nil: none.
	Earlier func(replica int) bool
	// Inject does the harm until ctx ends. What it leaves behind is healed.
	Inject func(ctx context.Context, s *Stage)
	// Check says what is not as expected. Nil: nothing is expected.
	Check func(o *Outcome) []string
}

// lacks says what the fault needs that is not there. Empty: nothing.
func (f *Fault) lacks(hooks, two bool) Need {
	for _, n := range f.Needs {
		if n == Root && os.Geteuid() != 0 || n == Hooks && !hooks || n == Two && !two {
			return n
		}
	}
	return ""
}

// anew reports whether the fault wants its replicas started anew.
func (f *Fault) anew() bool { return f.Env != nil || f.Leases != nil }

// env returns what a replica is to be started with.
func (f *Fault) env(replica int) (env []string) {
	if f.Env != nil {
		env = f.Env(replica)
	}
	if f.Leases != nil {
		env = append(env, cluster.LeaseVariable(f.Leases(replica)))
	}
	return env
}

// leaseOf returns the lease of a replica where there is a usual one.
func (f *Fault) leaseOf(replica int, usual time.Duration) time.Duration {
	if f.Leases != nil {
		return f.Leases(replica)
	}
	return usual
}

func (f *Fault) String() string {
	if f.Number < 0 { // see Sum
		return f.Name
	}
	return fmt.Sprintf("F%d %s", f.Number, f.Name)
}

// A Need is something that not every run has.
type Need string

// The needs.
const (
	Root  Need = "root"
	Hooks Need = "a binary built with -tags torture"
	Two   Need = "an earlier version of the binary"
)

// An Outcome is what came of a fault.
type Outcome struct {
	*Fault
	// Skipped says what it needs and did not have. The rest is then empty.
	Skipped string
	History history.History
	history.Proof
	Expiry     history.Expiry
	Violations []history.Violation
	// Opinion is about what is promised to all, and Strong about strong answers.
	Opinion, Strong history.Opinion
	// WhyNot counts, by reason, when there was no decision or no change.
	WhyNot map[string]int
	// Stories is how many were told, and Failed how many could not begin.
	Stories, Failed int
	// Marks are when the fault did what, by the clock of the History.
	Marks []Mark
	// Counted is by how much what the replicas count has grown.
	Counted func(name string, labels ...string) float64
	// Unanswered is the longest time from a question that some replica did not decide until it decided one, and Unchanged that for
	// which no change was answered OK by any.
	Unanswered, Unchanged time.Duration
	// Recovered is how long it took, after everything was healed, until a key could be made, used everywhere and revoked.
	Recovered time.Duration
	// Unexpected is what Check said.
	Unexpected []string
	// Lease is what the replicas were told, and Lasted how long the fault lasted.
	Lease, Lasted time.Duration
	// InMemory is how many records decisions needed and replicas had in memory, as counted by those that lived to the end.
	InMemory int
	// Anew says that no replica is the process that it was, so that there may be nobody who has counted any.
	Anew bool
}

// Failed reports whether anything was wrong.
func (o *Outcome) Bad() bool {
	return len(o.Violations)+len(o.Unexpected)+len(o.Opinion.Illegal)+len(o.Strong.Illegal) > 0
}

// A Mark is something that a fault did.
type Mark struct {
	What    string
	Replica int // -1: none in particular
	At      time.Duration
}

// wait is how long a change waits at most for a replica that says nothing.
func (o *Outcome) wait() time.Duration { return longestWait(o.Lease) }

// leaseOf returns the lease of a replica.
func (o *Outcome) leaseOf(replica uint8) time.Duration { return o.Fault.leaseOf(int(replica), o.Lease) }

func longestWait(lease time.Duration) time.Duration { return lease + lease/4 + 50*time.Millisecond }

// marked returns the marks with a name.
func (o *Outcome) marked(what string) (found []Mark) {
	for _, m := range o.Marks {
		if m.What == what {
			found = append(found, m)
		}
	}
	return found
}

// between returns what was done between two instants.
func (o *Outcome) between(from, to time.Duration) (found []Mark) {
	for _, m := range o.Marks {
		if m.At >= from && m.At <= to {
			found = append(found, m)
		}
	}
	return found
}

// never is when what did not come came.
const never = time.Duration(1<<63 - 1)

// spans calls do with each time between a mark and the next one of another name, which may never have come.
func (o *Outcome) spans(from, to string, do func(replica int, from, to time.Duration)) {
	for i, m := range o.Marks {
		if m.What != from {
			continue
		}
		end := never
		for _, n := range o.Marks[i:] {
			if n.What == to && n.Replica == m.Replica {
				end = n.At
				break
			}
		}
		do(m.Replica, m.At, end)
	}
}

// narrowings calls do with each change that took something away.
func (o *Outcome) narrowings(do func(history.Change)) {
	for _, c := range o.History.Changes {
		if c.Kind != history.Create {
			do(c)
		}
	}
}
