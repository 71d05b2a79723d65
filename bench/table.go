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

// A column is a figure of a comparison.
type column struct {
	name   string
	figure figure
}

// The columns that there are.
var (
	perSecondColumn = column{"decisions/s", perSecond}
	p50Column       = column{"p50 µs", p50}
	p99Column       = column{"p99 µs", p99}
	p999Column      = column{"p99.9 µs", p999}
	serverColumn    = column{"server CPU µs", serverCPU}
	clientColumn    = column{"client CPU µs", clientCPU}
)

// A comparison is a table of pairs: of each figure how many times the other's ours is, and the medians of both.
type comparison struct {
	markdown
	columns []column
}

func newComparison(out io.Writer, title string, columns ...column) comparison {
	names := []string{"ours", "against"}
	for _, c := range columns {
		names = append(names, c.name)
	}
	return comparison{newTable(out, title+": ratios (least–most), and the medians of both", names...), columns}
}

func (c comparison) add(ours, other string, pairs []pair) {
	cells := []string{ours, other}
	for _, column := range c.columns {
		mine, theirs := medians(pairs, column.figure)
		cells = append(cells, fmt.Sprintf("%v, %s : %s", ratios(pairs, column.figure), short(mine), short(theirs)))
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
