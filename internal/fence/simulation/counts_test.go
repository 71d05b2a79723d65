// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz"
)

// counts say how often what happened, over all seeds of a run. A simulation in which nothing goes wrong proves nothing: what
// must not be zero is in must. It implements fence.Observer.
type counts struct{ of map[string]int }

func newCounts() *counts { return &counts{map[string]int{}} }

func (c *counts) add(what string, n int) { c.of[what] += n }
func (c *counts) fault(what string)      { c.of["fault: "+what]++ }

func (c *counts) answered(l *lookUp, allowed bool) {
	if allowed {
		c.add("answers: allowed", 1)
	} else {
		c.add("answers: denied", 1)
	}
	if l.reads == 1 {
		c.add("answers: from memory alone", 1)
	}
	if allowed && l.count != "" {
		c.add(l.count, 1)
	}
}

// Round implements fence.Observer.
func (c *counts) Round(confirmed bool) {
	if confirmed {
		c.add("rounds: confirmed", 1)
	} else {
		c.add("rounds: not confirmed", 1)
	}
}

// Barrier implements fence.Observer.
func (c *counts) Barrier(how authz.Barrier, _ time.Duration) { c.add("barrier: "+how.String(), 1) }

// Abandoned implements fence.Observer.
func (c *counts) Abandoned(why string) { c.add("abandoned: "+why, 1) }

// Rejected implements fence.Observer.
func (c *counts) Rejected(source, why string) { c.add("rejected: from the "+source+", "+why, 1) }

// Read implements fence.Observer.
func (c *counts) Read(kind authz.SubjectKind) { c.add("reads: "+kind.String(), 1) }

// Unconfirmed implements fence.Observer.
func (c *counts) Unconfirmed() { c.add("changes: not confirmed", 1) }

// must lists what must have happened in a run of hundreds of seeds.
var must = []string{
	"answers: allowed", "answers: denied", "answers: from memory alone",
	"allowed before it was taken away", "look-ups that began right after an OK",
	"changes: OK, acked", "changes: OK, waited", "changes: not confirmed", "pings: yes",
	"rounds: confirmed", "rounds: not confirmed",
	"abandoned: mismatch", "abandoned: gone",
	"rejected: from the database, early", "rejected: from the database, changed", "rejected: from the database, old",
	"rejected: from the database, foreign",
	"rejected: from the shelf, early", "rejected: from the shelf, changed", "rejected: from the shelf, old",
	"rejected: from the shelf, foreign",
	"refused: " + authz.CodeLease, "refused: " + authz.CodeRevisionUnknown, "refused: " + authz.CodeStoreUnavailable,
	"refused: " + authz.CodeOverloaded,
}

// missing returns what must have happened and did not.
func (c *counts) missing() (missing []string) {
	for _, what := range slices.Concat(must, faultNames()) {
		if c.of[what] == 0 {
			missing = append(missing, what)
		}
	}
	return missing
}

// String returns all counts, by name.
func (c *counts) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(c.of)) {
		fmt.Fprintf(&b, "%9d  %s\n", c.of[what], what)
	}
	return b.String()
}
