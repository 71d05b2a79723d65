// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/scrape"
	"aeroplane.run/authz/internal/torture/history"
)

func metricsOf(values ...float64) (all []scrape.Metrics) {
	for _, v := range values {
		all = append(all, scrape.Metrics{`n{l="x"}`: v})
	}
	return all
}

func example() []*Outcome {
	unknown := ok(0, 0, 1, 0, 0)
	unknown.Outcome = history.Unknown
	bad := history.Violation{Rule: history.Revoked, Ask: ask(1, time.Second, history.Allowed),
		Change: ok(0, 0, 1, time.Second, history.Acked)}
	counted := func(string, ...string) float64 { return 0 }
	return []*Outcome{
		{
			Fault: &Fault{Number: 1, Name: "a fault", How: "by hand", Expect: "little", Check: expect(happened("it"))},
			History: history.History{
				Asks: []history.Ask{ask(0, 0, history.Allowed), ask(0, 0, history.Denied), ask(0, 0, history.Denied),
					ask(0, 0, history.Undecided)},
				Changes: []history.Change{ok(0, 0, 1, 2*time.Millisecond, history.Acked),
					ok(0, 0, 1, 1300*time.Millisecond, history.Waited), unknown, {Kind: history.Create}},
			},
			Proof: history.Proof{Prompt: 8}, InMemory: 7, Recovered: 250 * time.Millisecond, Unanswered: 300 * time.Millisecond, Unchanged: 2 * time.Second,
			WhyNot: map[string]int{"LEASE": 1},
			Marks:  []Mark{{"it", 0, 0}, {"it", 1, 0}}, Counted: counted,
		},
		{Fault: &Fault{Number: 2, Name: "worse", How: "by force"}, Violations: []history.Violation{bad},
			Unexpected: []string{"something else"}, Marks: slices.Repeat([]Mark{{notDone + "a part", 0, 0}}, 2), Opinion: history.Opinion{Illegal: []history.Subject{1}}, Counted: counted},
		{Fault: &Fault{Number: 3, Name: "skipped", How: "as root"}, Skipped: "root"},
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	WriteMarkdown(&b, example())
	want := `| fault | questions | allowed | denied | undecided | answer p99 | gap | changes | OK | unknown | barrier p50 | p99 | max | acked | waited | gap | in memory | prompt | recovered | violations | besides |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
| F1 a fault | 4 | 1 | 2 | 1 | 1.0 ms | 300 ms | 3 | 2 | 1 | 1.30 s | 1.30 s | 1.30 s | 1 | 1 | 2.00 s | 7 | 8 | 250 ms | 0 | as expected |
| F2 worse | 0 | 0 | 0 | 0 | - | - | 0 | 0 | 0 | - | - | - | 0 | 0 | - | 0 | 0 | - | 1 | 1 not as expected; not done: a part |
| F3 skipped | needs root |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |
| all together | 4 | 1 | 2 | 1 | 1.0 ms | 300 ms | 3 | 2 | 1 | 1.30 s | 1.30 s | 1.30 s | 1 | 1 | 2.00 s | 7 | 8 | 250 ms | 1 | 1 not as expected |

` + legend + `

| fault | how | besides the promise |
|---|---|---|
| F1 a fault | by hand | little |
| F2 worse | by force | - |
| F3 skipped | as root | - |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	WriteText(&b, example())
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for _, line := range lines {
		if len(line) != len(lines[0]) {
			t.Errorf("the columns are crooked:\n%s", b.String())
		}
	}
}

func TestDetailsTellWhatWasWrong(t *testing.T) {
	all := example()
	for i, bad := range []bool{false, true, false} {
		if all[i].Bad() != bad {
			t.Errorf("%v: bad is %v", all[i].Fault, !bad)
		}
	}
	if got := all[0].Details(); !strings.Contains(got, "1 × LEASE") || !strings.Contains(got, "2 × done: it") {
		t.Error(got)
	}
	for _, want := range []string{"VIOLATION allowed after it was taken away", "ILLEGAL", "UNEXPECTED something else"} {
		if got := all[1].Details(); !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
		if got := Wrong(all); !strings.Contains(got, want) || strings.Contains(got, all[0].Fault.String()) {
			t.Errorf("no %q, or too much, in %s", want, got)
		}
	}
}

func TestTheTableOfFaultsIsWhole(t *testing.T) {
	seen := make(map[int]bool)
	for _, f := range Faults() {
		if seen[f.Number] || f.Name == "" || f.How == "" || f.Inject == nil {
			t.Errorf("%v: there are two, or it says too little", &f)
		}
		if f.Expect != "" && f.Check == nil {
			t.Errorf("%v expects something and checks nothing", &f)
		}
		seen[f.Number] = true
	}
	for n := range 31 {
		if !seen[n] {
			t.Errorf("there is no F%d", n)
		}
	}
}

func TestChoose(t *testing.T) {
	for list, want := range map[string]int{"": 0, "F1": 1, "F1, 10,F30": 3, "all": 31} {
		if got, err := Choose(list); err != nil || len(got) != want {
			t.Errorf("%q: %d faults, %v", list, len(got), err)
		}
	}
	for _, list := range []string{"F31", "F1,x", ","} {
		if got, err := Choose(list); err == nil {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestGaps(t *testing.T) {
	at := func(replica uint8, end time.Duration, answer history.Answer) history.Ask {
		return history.Ask{Replica: replica, Start: end - 1, End: end, Answer: answer}
	}
	o := &Outcome{History: history.History{
		Asks: []history.Ask{at(0, 5, history.Denied), at(0, 1, history.Allowed), at(0, 3, history.Undecided), // 3 at replica 0
			at(1, 1, history.Denied), at(1, 9, history.Denied), at(1, 20, history.Undecided)}, // nobody asked meanwhile, or it never did
		Changes: []history.Change{{Kind: history.RevokeKey, End: 9}, {Kind: history.RevokeKey, End: 2},
			{Kind: history.RevokeKey, End: 5, Outcome: history.Unknown}, {Kind: history.Create, End: 4}},
	}}
	if unanswered, unchanged := o.gaps(); unanswered != 3 || unchanged != 7 {
		t.Errorf("%d and %d, want 3 and 7", unanswered, unchanged)
	}
}
