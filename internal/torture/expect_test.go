// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz/internal/torture/history"
)

const lease = time.Second

func outcome(edit func(*Outcome)) *Outcome {
	o := &Outcome{Fault: &Fault{}, Lease: lease, Counted: func(string, ...string) float64 { return 0 }}
	edit(o)
	return o
}

func ok(replica uint8, from, to, took time.Duration, barrier history.Barrier) history.Change {
	return history.Change{Kind: history.RevokeKey, Replica: replica, Start: from, End: to, Took: took, Barrier: barrier,
		Subjects: []history.Subject{1}}
}

func changes(all ...history.Change) func(*Outcome) {
	return func(o *Outcome) {
		o.History.Changes = append(o.History.Changes, all...)
		o.Marks = append(o.Marks, Mark{"cut", 1, 2 * time.Second}, Mark{"healed", 1, 5 * time.Second},
			Mark{"off", -1, 2 * time.Second}, Mark{"on", -1, 5 * time.Second})
	}
}

func asks(all ...history.Ask) func(*Outcome) {
	return func(o *Outcome) {
		changes()(o)
		o.History.Asks = all
	}
}

func ask(replica uint8, at time.Duration, answer history.Answer) history.Ask {
	return history.Ask{Subject: 1, Replica: replica, Start: at, End: at + time.Millisecond, Answer: answer}
}

// refusal is for want of a lease.
func refusal(replica uint8, at, took time.Duration) history.Ask {
	a := ask(replica, at, history.Undecided)
	a.End, a.Lapsed = at+took, true
	return a
}

// Every expectation is met by something, and not met by something.
func TestExpectations(t *testing.T) {
	second := time.Second
	unknown := ok(0, 3*second, 4*second, 0, history.NoBarrier)
	unknown.Outcome = history.Unknown
	late := unknown
	late.End = 3*second + second + Slack + 1
	lapsed := ask(0, 2100*time.Millisecond, history.Undecided)
	lapsed.Lapsed = true
	strong := lapsed
	strong.Strong = true
	for name, test := range map[string]struct {
		expectation
		met, not []func(*Outcome)
	}{
		"happened": {happened("cut"), []func(*Outcome){changes()}, []func(*Outcome){func(*Outcome) {}}},
		"changesWithin": {changesWithin(waitAndSlack),
			[]func(*Outcome){changes(ok(0, 0, 9*second, 1800*time.Millisecond, history.Waited))},
			[]func(*Outcome){changes(ok(0, 0, 2*second, 1801*time.Millisecond, history.Waited))}},
		"mostChangesWithin": {mostChangesWithin(0.5, waitAndSlack),
			[]func(*Outcome){changes(ok(0, 0, second, second, history.Acked), ok(0, 0, second, second, history.Acked),
				ok(0, 0, 9*second, 9*second, history.Acked))},
			[]func(*Outcome){changes(ok(0, 0, second, second, history.Acked), ok(0, 0, 9*second, 9*second, history.Acked)),
				changes(ok(0, 0, 9*second, 2301*time.Millisecond, history.Acked))}},
		"waitedForTheKilled": {waitedForTheKilled("cut", "healed"),
			[]func(*Outcome){changes(ok(0, second, 4*second, 1800*time.Millisecond, history.Waited),
				ok(0, second, 2*second, 1500*time.Millisecond, history.Acked)),
				func(o *Outcome) {
					changes(ok(0, second, 9*second, 6800*time.Millisecond, history.Waited))(o)
					o.Leases = func(int) time.Duration { return 5 * second }
				}},
			[]func(*Outcome){changes(ok(0, second, 4*second, 1801*time.Millisecond, history.Waited)),
				changes(ok(0, second, 2*second, 1501*time.Millisecond, history.Acked))}},
		"othersWithin": {othersWithin("cut", "healed", waitAndSlack),
			[]func(*Outcome){changes(ok(1, 4*second, 9*second, 4*second, history.Waited)),
				changes(ok(1, second, 3*second, 2*second, history.Waited))},
			[]func(*Outcome){changes(ok(0, 4*second, 9*second, 4*second, history.Waited)),
				changes(ok(1, 6*second, 9*second, 2*second, history.Waited))}},
		"answersWithin": {answersWithin(0.5, 2*time.Millisecond),
			[]func(*Outcome){asks(ask(0, 0, history.Allowed))},
			[]func(*Outcome){asks(history.Ask{End: Slack + 3*time.Millisecond})}},
		"neverOK": {neverOK("off", "on"),
			[]func(*Outcome){changes(ok(0, second, 4*second, 0, 0), ok(0, 3*second, 6*second, 0, 0), unknown)},
			[]func(*Outcome){changes(ok(0, 3*second, 4*second, 0, 0))}},
		"refusedOnceLapsed": {refusedOnceLapsed("cut", "healed"),
			[]func(*Outcome){asks(ask(1, 3*second, history.Allowed), ask(0, 4*second, history.Allowed),
				refusal(1, 4*second, second), ask(1, 6*second, history.Allowed))},
			[]func(*Outcome){asks(refusal(1, 4*second, second), ask(1, 4*second, history.Denied)),
				asks(refusal(1, 4*second, second), ask(1, 4*second, history.Allowed)),
				asks(refusal(1, 4*second, second+1)),                                      // too late
				asks(refusal(0, 4*second, second), ask(1, 4*second, history.Undecided))}}, // for whatever reason
		"refusedAtOnce": {refusedAtOnce("cut", "healed"),
			[]func(*Outcome){asks(ask(1, second, history.Allowed), refusal(1, 2*second+1, second))},
			[]func(*Outcome){asks(refusal(1, 4*second, second), ask(1, 2*second+1, history.Denied))}},
		"failedWithin": {failedWithin("off", "on", second),
			[]func(*Outcome){changes(unknown, ok(0, 3*second, 9*second, 0, history.Acked))},
			[]func(*Outcome){changes(late)}},
		"mostlyAcked": {mostlyAcked,
			[]func(*Outcome){changes(slices.Repeat([]history.Change{ok(0, 0, second, 0, history.Acked)}, 9)...), changes(
				append(slices.Repeat([]history.Change{ok(0, 0, second, 0, history.Acked)}, 9), ok(0, 0, second, 0, history.Waited))...)},
			[]func(*Outcome){changes(ok(0, 0, second, 0, history.Acked), ok(0, 0, second, 0, history.Waited))}},
		"happenedEach": {happenedEach(second, 2, "cut", "never"),
			[]func(*Outcome){changes(), func(o *Outcome) { changes()(o); o.Lasted = 6*second - 1 }},
			[]func(*Outcome){func(o *Outcome) { changes()(o); o.Lasted = 6 * second }}},
		"decidedMeanwhile, each": {decidedMeanwhile("cut", "healed"),
			[]func(*Outcome){asks(ask(1, 3*second, history.Denied))},
			[]func(*Outcome){asks(ask(0, 3*second, history.Denied))}},
		"refusedOnceLapsed, all": {refusedOnceLapsed("off", "on"),
			[]func(*Outcome){asks(refusal(0, 4*second, second), ask(1, 3*second, history.Allowed))},
			[]func(*Outcome){asks(refusal(0, 4*second, second), ask(2, 4*second, history.Denied))}},
		"neverWaited": {neverWaited("off", "on"),
			[]func(*Outcome){changes(ok(0, 3*second, 4*second, 0, history.Acked), ok(0, 6*second, 7*second, 0, history.Waited))},
			[]func(*Outcome){changes(ok(0, 3*second, 4*second, 0, history.Waited))}},
		"decidedMeanwhile": {decidedMeanwhile("off", "on"),
			[]func(*Outcome){asks(ask(0, 3*second, history.Denied))},
			[]func(*Outcome){asks(ask(0, 3*second, history.Undecided), ask(0, 6*second, history.Denied))}},
		"grew": {grew("x"),
			[]func(*Outcome){func(o *Outcome) { o.Counted = func(string, ...string) float64 { return 1 } }},
			[]func(*Outcome){func(*Outcome) {}}},
		"queued": {queued,
			[]func(*Outcome){func(o *Outcome) {
				o.Marks = []Mark{{"freeze", 1, second}, {"thaw", 1, 2 * second}}
				o.History.Asks = []history.Ask{{Replica: 1, Start: second + 1, End: 3 * second}}
			}},
			[]func(*Outcome){func(o *Outcome) {
				o.Marks = []Mark{{"freeze", 1, second}, {"thaw", 1, 2 * second}}
				o.History.Asks = []history.Ask{{Replica: 0, Start: second + 1, End: 3 * second}, {Replica: 1, Start: 1, End: 3 * second}}
			}}},
		"unnoticed": {unnoticed,
			[]func(*Outcome){func(o *Outcome) {
				o.Marks = []Mark{{"down", -1, 2 * second}, {"up", -1, 3 * second}}
				o.History.Asks = []history.Ask{strong, ask(0, 2100*time.Millisecond, history.Undecided)}
			}, func(o *Outcome) { // there was no time for a round
				o.Lease = 4 * second
				o.Marks = []Mark{{"down", -1, 2 * second}, {"up", -1, 4300 * time.Millisecond}}
				o.History.Asks = []history.Ask{refusal(0, 4*second, 400*time.Millisecond)}
			}, func(o *Outcome) { // it was down just before
				o.Marks = []Mark{{"down", -1, second}, {"up", -1, 1900 * time.Millisecond}, {"down", -1, 2 * second}, {"up", -1, 3 * second}}
				o.History.Asks = []history.Ask{lapsed}
			}},
			[]func(*Outcome){func(o *Outcome) {
				o.Marks = []Mark{{"down", -1, 2 * second}, {"up", -1, 3 * second}}
				o.History.Asks = []history.Ask{lapsed}
			}, func(o *Outcome) { // there was time for a round
				o.Lease = 4 * second
				o.Marks = []Mark{{"down", -1, 2 * second}, {"up", -1, 4 * second}}
				o.History.Asks = []history.Ask{refusal(0, 4*second, 400*time.Millisecond)}
			}}},
		"steady": {steady,
			[]func(*Outcome){changes(ok(0, 0, 10*time.Millisecond, 0, 0), ok(0, 9*second, 9*second+39*time.Millisecond, 0, 0))},
			[]func(*Outcome){changes(ok(0, 0, 10*time.Millisecond, 0, 0), ok(0, 9*second, 9*second+41*time.Millisecond, 0, 0))}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, edit := range test.met {
				if complaint := test.expectation(outcome(edit)); complaint != "" {
					t.Errorf("what meets it, %d: %s", i, complaint)
				}
			}
			for i, edit := range test.not {
				if test.expectation(outcome(edit)) == "" {
					t.Errorf("what does not meet it, %d: no complaint", i)
				}
			}
		})
	}
}

func TestWhatWasNotProvenIsSaid(t *testing.T) {
	o := outcome(func(o *Outcome) {
		o.Proof = history.Proof{Before: 1, Warm: 1, Prompt: 1, After: 1, Strongly: 1, AtLeast: 1}
		o.InMemory, o.Opinion.Judged, o.Strong.Judged = 1, 1, 1
	})
	missing := func(o *Outcome) string { return o.unproven() + o.Unasked() }
	if m := missing(o); m != "" {
		t.Error(m)
	}
	for _, take := range []func(*history.Proof){func(p *history.Proof) { p.Before = 0 }, func(p *history.Proof) { p.Warm = 0 },
		func(p *history.Proof) { p.Prompt = 0 }, func(p *history.Proof) { p.After = 0 },
		func(p *history.Proof) { p.Strongly = 0 }, func(p *history.Proof) { p.AtLeast = 0 }} {
		lacking := *o
		take(&lacking.Proof)
		if missing(&lacking) == "" {
			t.Errorf("%+v proves something", lacking.Proof)
		}
	}
	for _, take := range []func(*Outcome){func(o *Outcome) { o.InMemory = 0 }, func(o *Outcome) { o.Opinion.Unsure = 1 },
		func(o *Outcome) { o.Strong.Judged = 0 }} {
		lacking := *o
		take(&lacking)
		if missing(&lacking) == "" {
			t.Errorf("%d in memory, opinions %+v and %+v prove something", lacking.InMemory, lacking.Opinion, lacking.Strong)
		}
	}
}

func TestWhoHasBegunAnew(t *testing.T) {
	was := countsOf(5, 5)
	if now := countsOf(9, 0, 1); someLived(was, anew(now, 0, 1)) || !someLived(was, anew(now, 0)) {
		t.Error("who is the same process has lived, however little it counts, and no other has")
	}
	if gone := []count{{pid: 1}, {pid: 2}}; someLived(was, gone) || someLived(gone, was) {
		t.Error("who says nothing has not lived")
	}
}

func TestReplicasThatWereStartedAgainCountFromZero(t *testing.T) {
	if n := grown(countsOf(10, 10, 10), anew(countsOf(15, 13, 10, 4), 1))("n", "x"); n != 5+13+0+4 {
		t.Error(n)
	}
}

// countsOf are what replicas have counted, each a process of its own.
func countsOf(values ...float64) (all []count) {
	for i, m := range metricsOf(values...) {
		all = append(all, count{m, i + 1})
	}
	return all
}

// anew makes some of the replicas other processes.
func anew(all []count, which ...int) []count {
	all = slices.Clone(all)
	for _, i := range which {
		all[i].pid += 1000
	}
	return all
}
