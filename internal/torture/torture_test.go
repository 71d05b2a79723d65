// SPDX-License-Identifier: Apache-2.0

package torture_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture"
	"aeroplane.run/authz/internal/torture/cluster"
)

var (
	faults   = flag.String("faults", "", `the faults to try, such as F1,F10, or "all"; none skips the test`)
	duration = flag.Duration("duration", 5*time.Second, "how long each fault lasts")
	seed     = flag.Uint64("seed", 0, "what chance depends on; 0 draws one")
	lease    = flag.Duration("lease", time.Second, "the lease of the replicas")
	replicas = flag.Int("replicas", 3, "how many replicas")
	workers  = flag.Int("workers", 8, "how many workers tell stories")
	pace     = flag.Duration("pace", time.Millisecond, "the mean pause between two questions of one asker")
	binary   = flag.String("binary", "", "the program to try; none builds it, with the tag torture")
	hooks    = flag.Bool("hooks", true, "the program was built with the tag torture")
	least    = flag.Int("least", 0, "how many operations must have been judged in all")
	slack    = flag.Duration("slack", torture.Slack, "what a bound may be missed by that is not of the promise")
	markdown = flag.String("markdown", "", "a file to write the table to")
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

func TestTorture(t *testing.T) {
	chosen, err := torture.Choose(*faults)
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) == 0 {
		t.Skip("say what is to be tried: -faults F1,F10, or -faults all")
	}
	torture.Slack = *slack
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	var outcomes []*torture.Outcome
	defer func() { tell(t, outcomes) }() // also of a run that cannot go on
	torture.Run(t, torture.Options{
		Faults: chosen, Duration: *duration, Workers: *workers, Pace: *pace, Seed: *seed, Hooks: *hooks,
		Cluster: cluster.Options{Binary: program(t), Earlier: earlier(t, chosen), Replicas: *replicas, Lease: *lease, Dir: t.TempDir()},
		Each: func(o *torture.Outcome) {
			outcomes = append(outcomes, o)
			if o.Bad() {
				t.Errorf("with seed %d: %s", *seed, o.Details())
			} else if o.Skipped == "" {
				t.Log(o.Details())
			}
		},
	})
	sum := torture.Sum(outcomes)
	if missing := sum.Unasked(); missing != "" {
		t.Error(missing)
	}
	if n := sum.Operations(); n < *least {
		t.Errorf("%d operations were judged, fewer than %d", n, *least)
	} else {
		t.Logf("%d operations were judged", n)
	}
}

// tell writes the table.
func tell(t *testing.T, outcomes []*torture.Outcome) {
	t.Helper()
	var table strings.Builder
	torture.WriteText(&table, outcomes)
	fmt.Println(table.String())
	fmt.Print(torture.Wrong(outcomes)) // last, where a reader looks first
	if *markdown == "" {
		return
	}
	table.Reset()
	torture.WriteMarkdown(&table, outcomes)
	if err := os.WriteFile(*markdown, []byte(table.String()), 0o644); err != nil {
		t.Error(err)
	}
}
