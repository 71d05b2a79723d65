// SPDX-License-Identifier: Apache-2.0

// Package torture runs the whole service, several replicas as processes on a real Postgres with a standby and a real Redis,
// does it every harm that can be thought of, and finds out whether anything was allowed after it had been taken away.
//
//	go test ./internal/torture -v -faults F1,F10 -duration 10s -seed 7
//
// Faults is the table of what is done; history is how it is judged.
package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz/internal/scrape"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/history"
)

// Options say what to run.
type Options struct {
	Faults   []Fault
	Duration time.Duration // of each fault
	Workers  int
	// Pace is the mean pause between two questions of one asker.
	Pace time.Duration
	Seed uint64
	// Hooks says that the binary was built with the tag torture.
	Hooks   bool
	Cluster cluster.Options
	// Each is called with each outcome as soon as it is there.
	Each func(*Outcome)
}

// Run runs the faults, one after the other, on one system, which is healed in between. It fails the test only where the
// system could not be run: what is wrong with it is in the outcomes.
func Run(t testing.TB, o Options) {
	t.Helper()
	c := cluster.Start(t, o.Cluster)
	for i := range c.Replicas { // each makes a change
		o.recover(t, c, slices.Concat(doorsOf(c)[i:], doorsOf(c)[:i]))
	}
	c.CheckSessions(t)
	for i := range o.Faults {
		o.Each(o.try(t, c, &o.Faults[i]))
	}
}

// doorsOf returns the doors to those replicas that there were from the start.
func doorsOf(c *cluster.Cluster) (doors []door) {
	for _, r := range c.Replicas[:c.Options.Replicas] {
		doors = append(doors, doorOf(r))
	}
	return doors
}

// try runs one fault.
func (o *Options) try(t testing.TB, c *cluster.Cluster, f *Fault) *Outcome {
	t.Helper()
	out := &Outcome{Fault: f, Lease: o.Cluster.Lease, Skipped: string(f.lacks(o.Hooks, o.Cluster.Earlier != ""))}
	if out.Skipped != "" {
		return out
	}
	doors := doorsOf(c)
	for _, r := range c.Replicas[:len(doors)] {
		if !f.anew() {
			break
		}
		r.Kill()
		r.Earlier = f.Earlier != nil && f.Earlier(r.Number)
		r.Start(t, f.env(r.Number)...)
		if err := r.Ready(t.Context(), time.Minute); err != nil {
			t.Fatalf("%v: replica %d: %v\n%s", f, r.Number, err, r.LastWords())
		}
	}
	s := &Stage{TB: t, Cluster: c, fault: f, load: newLoad(doors, o.Pace, o.Cluster.Lease), rand: rand.New(rand.NewPCG(o.Seed, uint64(f.Number))),
		duration: o.Duration * time.Duration(max(1, f.Times)), hooks: o.Hooks, noted: new(notes)}
	before := counted(t, c, f)

	loading, stop := context.WithCancel(t.Context())
	defer stop()
	s.load.start(loading, o.Workers, o.Seed+uint64(f.Number)<<32)
	// There must be something to be taken away.
	if !s.await(loading, time.Minute, func() bool { return s.load.told.Load() >= int64(o.Workers) }) {
		t.Errorf("%v: no stories are told: %v", f, s.load.whyNot)
	}
	ctx, cancel := context.WithTimeout(loading, s.duration)
	defer cancel()
	f.Inject(ctx, s)
	<-ctx.Done()
	stop()
	after := counted(t, c, f) // before replicas are replaced
	c.Heal(t)
	s.load.running.Wait()

	out.Counted, out.Lasted = grown(before, after), s.duration
	out.InMemory, out.Anew = int(out.Counted(cacheReads, "hit")), !someLived(before, after)
	out.Recovered = o.recover(t, c, doors)
	out.judge(s)
	if f.Check != nil {
		out.Unexpected = f.Check(out)
	}
	if missing := out.unproven(); missing != "" {
		out.Unexpected = append(out.Unexpected, missing)
	}
	return out
}

// judge judges what was recorded.
func (o *Outcome) judge(s *Stage) {
	var expiring []history.Ask
	o.History, expiring = s.load.Take()
	o.Stories, o.Failed = int(s.load.told.Load()), int(s.load.failed.Load())
	o.WhyNot = maps.Clone(s.load.whyNot)
	o.Marks = s.noted.marks
	o.Unanswered, o.Unchanged = o.gaps()
	o.Violations, o.Proof = history.Judge(o.History, o.Excuse)
	o.judgeExpiry(expiring)
	const answers, patience = 300, 5 * time.Second
	o.Opinion = history.SecondOpinion(withoutEarly(o.History), false, answers, patience)
	o.Strong = history.SecondOpinion(o.History, true, answers, patience)
}

// withoutEarly leaves out denials from before anybody tried to take something away. A replica that is cut off may deny what
// it has not heard of.
func withoutEarly(h history.History) history.History {
	tried := make(map[history.Subject]time.Duration)
	for _, c := range h.Changes {
		if c.Kind == history.Create {
			continue
		}
		for _, s := range c.Subjects {
			if at, ok := tried[s]; !ok || c.Start < at {
				tried[s] = c.Start
			}
		}
	}
	h.Asks = slices.DeleteFunc(slices.Clone(h.Asks), func(a history.Ask) bool {
		at, ok := tried[a.Subject]
		return a.Answer == history.Denied && (!ok || a.End < at)
	})
	return h
}

// unproven says what would have to have happened for the run to mean anything, and did not.
func (o *Outcome) unproven() string {
	bare := 0
	o.narrowings(func(c history.Change) {
		if c.Outcome == history.OK && (c.Barrier == history.NoBarrier || c.Took == 0 || c.At.Seq == 0) {
			bare++
		}
	})
	if bare > 0 {
		return fmt.Sprintf("%d changes were OK without saying at which revision, or how they came to be in force", bare)
	}
	if o.InMemory == 0 && !o.Anew {
		return "nothing was found in memory"
	}
	for what, n := range map[string]int{"allowed before it was taken away": o.Before, "allowed again on the same replica": o.Warm,
		"asked within 5 ms after an OK": o.Prompt, "denied after an OK": o.After} {
		if n == 0 {
			return "nothing was " + what
		}
	}
	return ""
}

// Unasked says what few enough calls ask for that a single fault may keep all of them from it, and nobody had in a whole run.
func (o *Outcome) Unasked() string {
	switch {
	case o.Strongly == 0:
		return "nothing was decided by a strong answer"
	case o.AtLeast == 0:
		return "nothing was decided at a revision that was asked for"
	case o.Opinion.Judged <= o.Opinion.Unsure || o.Strong.Judged <= o.Strong.Unsure:
		return "there is no second opinion about most subjects"
	}
	return someExpired(o)
}

// recover makes a key, uses it on every replica and revokes it, again until all of that succeeds, and returns how long it took.
func (o *Options) recover(t testing.TB, c *cluster.Cluster, doors []door) time.Duration {
	begun := time.Now()
	var err error
	for limit := begun.Add(time.Minute); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if err = roundTrip(t.Context(), doors); err == nil {
			return time.Since(begun)
		}
	}
	t.Errorf("no progress after everything was healed: %v", err)
	for _, r := range c.Replicas[:len(doors)] {
		t.Logf("replica %d, running %t:\n%s", r.Number, r.Running(), r.LastWords())
	}
	return time.Since(begun)
}

func roundTrip(ctx context.Context, doors []door) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	w := &world{name: fmt.Sprintf("recovery-%d", rand.Uint64())}
	if err := w.build(ctx, doors[0]); err != nil {
		return err
	}
	s, err := w.tell(ctx, doors[0], history.RevokeKey)
	if err != nil {
		return err
	}
	for i, want := range []history.Answer{history.Allowed, history.Denied} {
		for _, d := range doors {
			if got, _, why := d.authorize(ctx, s.requests[0].AuthorizeRequest, nil); got != want {
				return fmt.Errorf("replica %d answers %d, want %d: %s", d.replica, got, want, why)
			}
		}
		if i == 0 {
			if _, err := s.take(ctx, doors[len(doors)-1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// A count is what the process of a replica has counted: nothing if it has ended, or does not say.
type count struct {
	scrape.Metrics
	pid int
}

// counted returns what each replica has counted. Where all of them were killed, it waits for one that was started again; if none
// answers, no expectation about counts would mean anything.
func counted(t testing.TB, c *cluster.Cluster, f *Fault) (all []count) {
	t.Helper()
	var silent error
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		all, silent = nil, nil
		for _, r := range c.Replicas {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			pid := r.Pid()
			m, err := r.Metrics(ctx)
			cancel()
			if err != nil && r.Running() {
				silent = errors.Join(silent, err)
			}
			all = append(all, count{m, pid})
		}
		if slices.ContainsFunc(all, func(c count) bool { return len(c.Metrics) > 0 }) {
			if silent != nil {
				t.Logf("%v: these count as zero: %v", f, silent)
			}
			return all
		}
	}
	t.Errorf("%v: no replica says what it has counted: %v", f, silent)
	return all
}

// lived reports whether the i-th replica is the process that it was, and has said both times what it had counted.
func lived(before, after []count, i int) bool {
	return i < len(before) && before[i].pid == after[i].pid && len(before[i].Metrics) > 0 && len(after[i].Metrics) > 0
}

// someLived reports whether any replica lived from before until after, and so must have counted something.
func someLived(before, after []count) bool {
	for i := range after {
		if lived(before, after, i) {
			return true
		}
	}
	return false
}

// grown returns by how much something has grown in all. A replica that was started again has counted from zero.
func grown(before, after []count) func(string, ...string) float64 {
	return func(name string, labels ...string) (sum float64) {
		for i, now := range after {
			sum += now.Sum(name, labels...)
			if lived(before, after, i) {
				sum -= before[i].Sum(name, labels...)
			}
		}
		return sum
	}
}
