// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz/internal/torture/history"
)

// columns are the heads of the table.
var columns = []string{"fault", "questions", "allowed", "denied", "undecided", "answer p99", "gap", "changes", "OK", "unknown",
	"barrier p50", "p99", "max", "acked", "waited", "gap", "in memory", "prompt", "recovered", "violations", "besides"}

// legend says what the columns mean that do not say so themselves.
const legend = "Questions are calls of Authorize, changes those that take something away. The first gap is the longest time from a " +
	"question that some replica did not decide until it decided one, the second that for which no change was answered OK by any. In memory: how " +
	"many records decisions needed and found there, on replicas that lived to the end. Prompt: asked within 5 ms after an OK. " +
	"Recovered: from when Postgres, Redis and the network were whole again, and replicas had been told to start, until a key " +
	"could be made, used on every replica and revoked."

// notDone begins the name of a mark that says what a fault had to leave out.
const notDone = "not done: "

// row returns the line of the table about an outcome.
func (o *Outcome) row() []string {
	if o.Skipped != "" {
		return append([]string{o.Fault.String(), "needs " + o.Skipped}, make([]string, len(columns)-2)...)
	}
	answers, outcomes, barriers := map[history.Answer]int{}, map[history.Outcome]int{}, map[history.Barrier]int{}
	for _, a := range o.History.Asks {
		answers[a.Answer]++
	}
	changes := 0
	o.narrowings(func(c history.Change) {
		changes++
		outcomes[c.Outcome]++
		if c.Outcome == history.OK {
			barriers[c.Barrier]++
		}
	})
	times := o.barrierTimes()
	decided, _ := o.latencies()
	besides := "as expected"
	switch {
	case len(o.Unexpected) > 0:
		besides = fmt.Sprintf("%d not as expected", len(o.Unexpected))
	case o.Check == nil:
		besides = "-"
	}
	for _, m := range o.Marks {
		if left, ok := strings.CutPrefix(m.What, notDone); ok && !strings.Contains(besides, left) {
			besides += "; not done: " + left
		}
	}
	return []string{o.Fault.String(), fmt.Sprint(len(o.History.Asks)),
		fmt.Sprint(answers[history.Allowed]), fmt.Sprint(answers[history.Denied]), fmt.Sprint(answers[history.Undecided]),
		short(quantile(decided, 0.99)), short(o.Unanswered),
		fmt.Sprint(changes), fmt.Sprint(outcomes[history.OK]), fmt.Sprint(outcomes[history.Unknown]),
		short(quantile(times, 0.5)), short(quantile(times, 0.99)), short(quantile(times, 1)),
		fmt.Sprint(barriers[history.Acked]), fmt.Sprint(barriers[history.Waited]), short(o.Unchanged), fmt.Sprint(o.InMemory), fmt.Sprint(o.Prompt),
		short(o.Recovered), fmt.Sprint(len(o.Violations)), besides}
}

// gaps returns the longest time from a question that some replica did not decide until it decided one, and for which no change was
// answered OK by any.
func (o *Outcome) gaps() (unanswered, unchanged time.Duration) {
	decided, undecided := make(map[uint8][]time.Duration), make(map[uint8][]time.Duration)
	for _, a := range o.History.Asks {
		if a.Answer == history.Undecided {
			undecided[a.Replica] = append(undecided[a.Replica], a.Start)
		} else {
			decided[a.Replica] = append(decided[a.Replica], a.End)
		}
	}
	for replica, starts := range undecided {
		unanswered = max(unanswered, longestFrom(starts, decided[replica]))
	}
	var changed []time.Duration
	o.narrowings(func(c history.Change) {
		if c.Outcome == history.OK {
			changed = append(changed, c.End)
		}
	})
	return unanswered, longest(changed)
}

// longestFrom returns the longest time from one of some instants until the next end.
func longestFrom(starts, ends []time.Duration) (gap time.Duration) {
	slices.Sort(ends)
	for _, start := range starts {
		if i, _ := slices.BinarySearch(ends, start); i < len(ends) {
			gap = max(gap, ends[i]-start)
		}
	}
	return gap
}

// longest returns the longest time between two instants that follow each other.
func longest(instants []time.Duration) (gap time.Duration) {
	slices.Sort(instants)
	for i := 1; i < len(instants); i++ {
		gap = max(gap, instants[i]-instants[i-1])
	}
	return gap
}

// Sum returns all outcomes as if they were one.
func Sum(outcomes []*Outcome) *Outcome {
	sum := &Outcome{Fault: &Fault{Number: -1, Name: "all together"}}
	for _, o := range outcomes {
		sum.History.Asks = append(sum.History.Asks, o.History.Asks...)
		sum.History.Changes = append(sum.History.Changes, o.History.Changes...)
		sum.InMemory, sum.Prompt = sum.InMemory+o.InMemory, sum.Prompt+o.Prompt
		sum.Opinion.Judged, sum.Opinion.Unsure = sum.Opinion.Judged+o.Opinion.Judged, sum.Opinion.Unsure+o.Opinion.Unsure
		sum.Strong.Judged, sum.Strong.Unsure = sum.Strong.Judged+o.Strong.Judged, sum.Strong.Unsure+o.Strong.Unsure
		sum.Expiry.Allowed, sum.Expiry.Denied = sum.Expiry.Allowed+o.Expiry.Allowed, sum.Expiry.Denied+o.Expiry.Denied
		sum.Strongly, sum.AtLeast = sum.Strongly+o.Strongly, sum.AtLeast+o.AtLeast
		sum.Violations, sum.Unexpected = append(sum.Violations, o.Violations...), append(sum.Unexpected, o.Unexpected...)
		sum.Unanswered, sum.Unchanged = max(sum.Unanswered, o.Unanswered), max(sum.Unchanged, o.Unchanged)
		sum.Recovered = max(sum.Recovered, o.Recovered)
		sum.Lease, sum.Lasted = max(sum.Lease, o.Lease), max(sum.Lasted, o.Lasted)
	}
	return sum
}

// Operations returns how many questions were asked and changes made.
func (o *Outcome) Operations() int { return len(o.History.Asks) + len(o.History.Changes) }

// barrierTimes are how long changes waited that were answered OK.
func (o *Outcome) barrierTimes() (times []time.Duration) {
	o.narrowings(func(c history.Change) {
		if c.Outcome == history.OK && c.Barrier != history.NoBarrier {
			times = append(times, c.Took)
		}
	})
	return times
}

// latencies are how long callers waited for decisions, and for changes that were answered OK.
func (o *Outcome) latencies() (decided, changed []time.Duration) {
	for _, a := range o.History.Asks {
		if a.Answer != history.Undecided {
			decided = append(decided, a.End-a.Start)
		}
	}
	o.narrowings(func(c history.Change) {
		if c.Outcome == history.OK {
			changed = append(changed, c.End-c.Start)
		}
	})
	return decided, changed
}

// quantile returns the time that so much of all times do not exceed. Of none it is zero.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// short writes a time for people.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// WriteText writes a table for a terminal.
func WriteText(w io.Writer, outcomes []*Outcome) {
	rows := [][]string{columns}
	for _, o := range append(slices.Clone(outcomes), Sum(outcomes)) {
		rows = append(rows, o.row())
	}
	widths := make([]int, len(columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i == 0 || i == len(row)-1 {
				fmt.Fprintf(w, "%-*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(w, "%*s  ", widths[i], cell)
			}
		}
		fmt.Fprintln(w)
	}
}

// WriteMarkdown writes the table as documents have it: what was done, what it came to, and what was to be expected besides
// the promise.
func WriteMarkdown(w io.Writer, outcomes []*Outcome) {
	fmt.Fprintf(w, "| %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)-2)+"---|")
	for _, o := range append(slices.Clone(outcomes), Sum(outcomes)) {
		fmt.Fprintf(w, "| %s |\n", strings.Join(o.row(), " | "))
	}
	fmt.Fprint(w, "\n"+legend+"\n\n| fault | how | besides the promise |\n|---|---|---|\n")
	for _, o := range outcomes {
		fmt.Fprintf(w, "| %s | %s | %s |\n", o.Fault, o.How, cmp.Or(o.Expect, "-"))
	}
}

// Details tells what the table cannot: what was wrong, and why there were no decisions.
func (o *Outcome) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %d stories, %d could not begin; before %d (%d of them again), early %d, after %d, strong %d, at least %d; "+
		"opinions on %d and %d subjects, unsure %d and %d\n", o.Fault, o.Stories, o.Failed, o.Before, o.Warm, o.Early, o.After,
		o.Strongly, o.AtLeast, o.Opinion.Judged, o.Strong.Judged, o.Opinion.Unsure, o.Strong.Unsure)
	fmt.Fprintf(&b, "    sessions that ended by themselves: allowed %d times before, denied %d times after, and %s before at the earliest\n",
		o.Expiry.Allowed, o.Expiry.Denied, short(o.Expiry.Ahead))
	decided, changed := o.latencies()
	fmt.Fprintf(&b, "    decisions took %s, p99 %s, max %s; changes that were OK %s, p99 %s, max %s\n",
		short(quantile(decided, 0.5)), short(quantile(decided, 0.99)), short(quantile(decided, 1)),
		short(quantile(changed, 0.5)), short(quantile(changed, 0.99)), short(quantile(changed, 1)))
	fmt.Fprintf(&b, "    %.0f records were kept in memory, %.0f not; Redis had %.0f; %.0f were rejected; "+
		"%.0f generations were abandoned\n", o.Counted(cacheReads, "hit"), o.Counted(cacheReads, "miss"),
		o.Counted(redisReads, "hit"), o.Counted(rejectedTotal), o.Counted(abandonedTotal))
	for _, why := range slices.Sorted(maps.Keys(o.WhyNot)) {
		fmt.Fprintf(&b, "    %6d × %s\n", o.WhyNot[why], why)
	}
	marks := map[string]int{}
	for _, m := range o.Marks {
		if strings.HasPrefix(m.What, notDone) {
			marks[m.What]++
		} else {
			marks["done: "+m.What]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(marks)) {
		fmt.Fprintf(&b, "    %6d × %s\n", marks[what], what)
	}
	return b.String() + o.wrong()
}

// Wrong tells what was wrong in which outcome. Of outcomes in which nothing was, it is empty.
func Wrong(outcomes []*Outcome) string {
	var b strings.Builder
	for _, o := range outcomes {
		if o.Bad() {
			fmt.Fprintf(&b, "%v:\n%s", o.Fault, o.wrong())
		}
	}
	return b.String()
}

// wrong tells what was wrong, a line each.
func (o *Outcome) wrong() string {
	var b strings.Builder
	for i, v := range o.Violations {
		if i == 10 {
			fmt.Fprintf(&b, "  and %d more violations\n", len(o.Violations)-i)
			break
		}
		fmt.Fprintf(&b, "  VIOLATION %v\n", v)
	}
	for _, s := range o.Opinion.Illegal {
		fmt.Fprintf(&b, "  ILLEGAL by the model of what is promised: subject %d\n", s)
	}
	for _, s := range o.Strong.Illegal {
		fmt.Fprintf(&b, "  ILLEGAL by the model of strong answers: subject %d\n", s)
	}
	for _, u := range o.Unexpected {
		fmt.Fprintf(&b, "  UNEXPECTED %s\n", u)
	}
	return b.String()
}
