// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"fmt"
	"time"

	"aeroplane.run/authz/internal/torture/history"
)

// What replicas count, by the names of their metrics.
const (
	rejectedTotal  = "aeroplane_authz_records_rejected_total"      // source, why
	abandonedTotal = "aeroplane_authz_generations_abandoned_total" // why
	cacheReads     = "aeroplane_authz_cache_reads_total"           // result
	redisReads     = "aeroplane_authz_redis_reads_total"           // result
)

// Slack is what a bound may be missed by on a machine that is busy with everything at once, and with others' work, too. What is
// promised knows none.
var Slack = 500 * time.Millisecond

// An expectation says what is not as expected, empty if all is.
type expectation func(*Outcome) string

// expect makes a Check of expectations.
func expect(all ...expectation) func(*Outcome) []string {
	return func(o *Outcome) (complaints []string) {
		for _, e := range all {
			if complaint := e(o); complaint != "" {
				complaints = append(complaints, complaint)
			}
		}
		return complaints
	}
}

// happened expects the fault to have done something at least once.
func happened(what string) expectation {
	return func(o *Outcome) string {
		if len(o.marked(what)) == 0 {
			return "never done: " + what
		}
		return ""
	}
}

// changesWithin expects every change that was answered OK to have waited no longer than limit after its commit.
func changesWithin(limit func(*Outcome) time.Duration) expectation {
	return othersWithin("", "", limit)
}

// mostChangesWithin is changesWithin for so many of all changes: what is not of the protocol's making may hold up a few. Of the
// slack it takes no more than half a lease, so that it tells a wait for a round from one for the end of a lease.
func mostChangesWithin(share float64, limit func(*Outcome) time.Duration) expectation {
	return func(o *Outcome) string {
		most := limit(o) + min(Slack, o.Lease/2)
		if took := quantile(o.barrierTimes(), share); took > most {
			return fmt.Sprintf("%v of changes waited up to %v, longer than %v", share, took, most)
		}
		return ""
	}
}

// othersWithin is changesWithin for changes by replicas that the fault left alone meanwhile: it harms others between two marks.
func othersWithin(from, to string, limit func(*Outcome) time.Duration) expectation {
	return func(o *Outcome) (complaint string) {
		harmed := func(c history.Change) (yes bool) {
			o.spans(from, to, func(replica int, begin, end time.Duration) {
				yes = yes || replica == int(c.Replica) && c.Start < end && c.End > begin
			})
			return yes
		}
		o.narrowings(func(c history.Change) {
			if c.Outcome == history.OK && c.Took > limit(o) && !harmed(c) {
				complaint = fmt.Sprintf("waited longer than %v: %v; meanwhile %v", limit(o), c, o.between(c.Start-3*time.Second, c.End))
			}
		})
		return complaint
	}
}

// waitedForTheKilled expects changes to have been held up, for longer than a lease, only where a replica was killed between two
// marks about it, and then no longer than its own lease demands.
func waitedForTheKilled(killed, counted string) expectation {
	return func(o *Outcome) (complaint string) {
		o.narrowings(func(c history.Change) {
			most := o.Lease
			o.spans(killed, counted, func(replica int, begin, end time.Duration) {
				if c.Start < end && c.End > begin {
					most = max(most, longestWait(o.leaseOf(uint8(replica))))
				}
			})
			if c.Outcome == history.OK && c.Took > most+Slack {
				complaint = fmt.Sprintf("waited longer than %v: %v", most, c)
			}
		})
		return complaint
	}
}

// failedWithin expects no change that began between two marks, and was not answered OK, to have been answered later than limit.
func failedWithin(from, to string, limit time.Duration) expectation {
	return func(o *Outcome) (complaint string) {
		o.spans(from, to, func(_ int, begin, end time.Duration) {
			o.narrowings(func(c history.Change) {
				if c.Outcome != history.OK && c.Start > begin && c.Start < end && c.End-c.Start > limit+Slack {
					complaint = fmt.Sprintf("failed after more than %v, between %s and %s: %v", limit, from, to, c)
				}
			})
		})
		return complaint
	}
}

// waitAndSlack is how long a change may take when a replica says nothing.
func waitAndSlack(o *Outcome) time.Duration { return o.wait() + Slack }

// answersWithin expects so many of all decisions to have taken no longer than limit. Of the slack it takes no more than a second,
// so that it tells a wait from none.
func answersWithin(share float64, limit time.Duration) expectation {
	return func(o *Outcome) string {
		decided, _ := o.latencies()
		if took := quantile(decided, share); took > limit+min(Slack, time.Second) {
			return fmt.Sprintf("%v of decisions took up to %v, more than %v", share, took, limit)
		}
		return ""
	}
}

// grew expects replicas to have counted something.
func grew(name string, labels ...string) expectation {
	return func(o *Outcome) string {
		if o.Counted(name, labels...) == 0 {
			return fmt.Sprintf("no replica has counted any %s%v", name, labels)
		}
		return ""
	}
}

// neverOK expects no change to be answered OK that began and ended between two marks.
func neverOK(from, to string) expectation {
	return func(o *Outcome) (complaint string) {
		o.spans(from, to, func(_ int, begin, end time.Duration) {
			o.narrowings(func(c history.Change) {
				if c.Outcome == history.OK && c.Start > begin && c.End < end {
					complaint = fmt.Sprintf("OK between %s and %s: %v", from, to, c)
				}
			})
		})
		return complaint
	}
}

// refusedOnceLapsed expects a replica to decide nothing between two marks about it, from when its lease must be over by any clock
// that is tried, and to say so. By -1 they are about all. No slack: what is slow only begins later.
func refusedOnceLapsed(from, to string) expectation {
	return refused(from, to, func(o *Outcome) time.Duration { return min(o.wait(), o.Lease+500*time.Millisecond) })
}

// refusedAtOnce is refusedOnceLapsed for a lease that is over when it begins.
func refusedAtOnce(from, to string) expectation {
	return refused(from, to, func(*Outcome) time.Duration { return 0 })
}

// leaseWait is how long a replica waits for a lease before it refuses.
const leaseWait = 500 * time.Millisecond

func refused(from, to string, after func(*Outcome) time.Duration) expectation {
	return func(o *Outcome) (complaint string) {
		long, lapsed := 0, 0
		o.spans(from, to, func(replica int, begin, end time.Duration) {
			begin += after(o)
			if end != never && end-begin > leaseWait+200*time.Millisecond {
				long++
			}
			for _, a := range o.History.Asks {
				if replica >= 0 && int(a.Replica) != replica || a.Start <= begin || a.Start >= end {
					continue
				}
				switch {
				case a.Answer != history.Undecided && a.End < end:
					complaint = fmt.Sprintf("decided without a lease, between %s and %s at %v: %v", from, to, end, a)
				case a.Lapsed:
					lapsed++
				}
				if a.Lapsed && !a.Strong && a.AtLeast == 0 && a.End-a.Start > leaseWait+Slack {
					complaint = fmt.Sprintf("refused late: %v", a)
				}
			}
		})
		if complaint == "" && long > 0 && lapsed == 0 {
			complaint = fmt.Sprintf("nobody was refused for want of a lease, between %s and %s", from, to)
		}
		return complaint
	}
}

// neverWaited expects every change between two marks to have been acknowledged by all.
func neverWaited(from, to string) expectation {
	return func(o *Outcome) (complaint string) {
		o.spans(from, to, func(_ int, begin, end time.Duration) {
			o.narrowings(func(c history.Change) {
				if c.Barrier == history.Waited && c.Start > begin && c.End < end {
					complaint = fmt.Sprintf("between %s and %s somebody was waited for in vain: %v", from, to, c)
				}
			})
		})
		return complaint
	}
}

// mostlyAcked expects nine of ten changes to have been acknowledged by all, where chance, or others' work, may hold up some.
func mostlyAcked(o *Outcome) string {
	acked, waited := 0, 0
	o.narrowings(func(c history.Change) {
		switch {
		case c.Outcome != history.OK:
		case c.Barrier == history.Acked:
			acked++
		case c.Barrier == history.Waited:
			waited++
		}
	})
	if waited*10 > acked+waited {
		return fmt.Sprintf("for %d of %d changes somebody was waited for in vain", waited, acked+waited)
	}
	return ""
}

// happenedEach expects a fault to have done each of these, if it lasted so long, and so many leases, for each.
func happenedEach(each time.Duration, leases int, all ...string) expectation {
	return func(o *Outcome) (complaint string) {
		for _, what := range all {
			if complaint == "" && o.Lasted >= (each+time.Duration(leases)*o.Lease)*time.Duration(len(all)) {
				complaint = happened(what)(o)
			}
		}
		return complaint
	}
}
