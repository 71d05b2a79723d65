// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
)

// A markdown is a table that is written row by row, so that what has been measured is there whatever comes next.
type markdown struct{ out io.Writer }

// newTable begins a table.
func newTable(out io.Writer, title string, columns ...string) markdown {
	m := markdown{out}
	fmt.Fprintf(out, "\n### %s\n\n", title)
	m.row(columns...)
	fmt.Fprintln(out, strings.Repeat("|---", len(columns))+"|")
	return m
}

func (m markdown) row(cells ...string) { fmt.Fprintln(m.out, "| "+strings.Join(cells, " | ")+" |") }

// compared are the figures of a comparison, in the order of their columns.
var compared = []struct {
	name   string
	figure figure
}{
	{"decisions/s", perSecond}, {"p50 µs", p50}, {"p99 µs", p99}, {"server CPU µs", serverCPU}, {"client CPU µs", clientCPU},
}

// A comparison is a table of pairs: of each figure how many times the other's ours is, and the medians of both.
type comparison struct{ markdown }

func newComparison(out io.Writer, title string) comparison {
	columns := []string{"ours", "against"}
	for _, c := range compared {
		columns = append(columns, c.name)
	}
	return comparison{newTable(out, title+": ratios (least–most), and the medians of both", columns...)}
}

// bar measures a row of the table, if it is wanted.
func (c comparison) bar(b *bench, ours, other side) {
	b.Helper()
	what := ours.String()
	if !b.bars.MatchString(what + ", against " + other.on.name) {
		return
	}
	pairs := b.compare(what, ours, other)
	cells := []string{what, other.form.name + ", " + other.on.name}
	for _, f := range compared {
		mine, theirs := medians(pairs, f.figure)
		cells = append(cells, fmt.Sprintf("%v, %s : %s", ratios(pairs, f.figure), short(mine), short(theirs)))
	}
	c.row(cells...)
}

// short writes a figure with three digits or more.
func short(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}
