// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"fmt"
	"slices"
	"strings"
)

// Whether a row can match is settled by its strangest path, which has in place of each variable a segment that no
// literal equals. That path reaches no place more specific than the row's own, so only rows of the same pattern, or
// below it, can take it from the row. And if the gate refuses it for its case, then for a literal of the row's, and so
// every path.

// checkDefault reports methods that have no row for every path. A row that could not be read may have been theirs.
func (p *parser) checkDefault() {
	if p.unread {
		return
	}
	var missing []string
	for m := GET; m <= DELETE; m++ {
		if p.table.root.rest.row(m) == nil {
			missing = append(missing, methodWords[m])
		}
	}
	if len(missing) > 0 {
		p.report(max(p.lines, 1), "the table ends without a default for %s: every method must have a row with the pattern /**",
			strings.Join(missing, ", "))
	}
}

// checkCase reports literals that the gate refuses, since another row has them in another case at their place.
func (p *parser) checkCase() {
	if e, _ := p.table.root.find(api); e != nil { // elsewhere the gate does not mind the case
		p.checkCaseBelow(e.to, p.table.root.reach(api, nil), 2)
	}
}

// checkCaseBelow does so for the literals below n, which are a path's segments of the given number. places are all that
// the strangest path to n reaches, as the gate sees it.
func (p *parser) checkCaseBelow(n *node, places []*node, number int) {
	for _, e := range n.literals {
		var next []*node
		var clash *edge
		for _, place := range places {
			if _, other := place.find(e.literal); other != nil {
				clash = other
			}
			next = place.reach(e.literal, next)
		}
		if clash == nil {
			p.checkCaseBelow(e.to, next, number+1)
			continue // and otherwise what is below cannot match either
		}
		p.report(e.line, "segment %d, %.60q, can never match: line %d has %.60q at this place, and under /api the gate "+
			"refuses what differs from a literal in case only", number, e.literal, clash.line, clash.literal)
	}
	if n.variable != nil {
		var next []*node
		for _, place := range places {
			next = place.reach("", next) // which no literal equals
		}
		p.checkCaseBelow(n.variable, next, number+1)
	}
}

// reach appends the places that a segment leads to from n.
func (n *node) reach(segment string, places []*node) []*node {
	if to := n.exact(segment); to != nil {
		places = append(places, to)
	}
	if n.variable != nil {
		places = append(places, n.variable)
	}
	return places
}

// checkCovered reports rows at n and below for which more specific rows leave nothing.
func (p *parser) checkCovered(n *node, inAPI bool) {
	p.checkLeaf(&n.ends, func(Method) []*row { return nil })
	p.checkLeaf(&n.rest, func(m Method) []*row {
		if !inAPI {
			return nil // a path may end here with a slash, which only ** matches
		}
		return n.coverNarrowly(m)
	})
	for _, e := range n.literals {
		p.checkCovered(e.to, inAPI || n == p.table.root && e.literal == api)
	}
	if n.variable != nil {
		p.checkCovered(n.variable, inAPI)
	}
}

// checkLeaf reports the rows of one pattern that can never match. covering returns the rows of other patterns that
// together match all its paths for a method, and are more specific; nil if they do not.
func (p *parser) checkLeaf(l *leaf, covering func(Method) []*row) {
	for at, r := range l {
		if r == nil {
			continue
		}
		var over []*row
		open := false
		for m := GET; m <= DELETE; m++ {
			if at != int(anyMethod) && at != int(m) {
				continue
			}
			rows := covering(m)
			if l[m] != nil && l[m] != r {
				rows = append(rows, l[m])
			}
			over = append(over, rows...)
			open = open || rows == nil
		}
		if !open {
			p.report(r.Line, "can never match: %s more specific, and leave nothing to it", lines(over))
		}
	}
}

// coverNarrowly returns rows which together match all that goes on below n, for a method, without a ** at n itself. It
// returns nil if there are none. It holds only under /api, where no path ends with a slash.
func (n *node) coverNarrowly(m Method) []*row {
	end := n.ends.row(m)
	if end == nil || n.variable == nil {
		return nil
	}
	if below := n.variable.cover(m); below != nil {
		return append(below, end)
	}
	return nil
}

// cover returns rows which together match all that goes on below n, for a method, or nil.
func (n *node) cover(m Method) []*row {
	if r := n.rest.row(m); r != nil {
		return []*row{r}
	}
	return n.coverNarrowly(m)
}

// lines names rows at the beginning of a sentence: "lines 3 and 5 are".
func lines(rows []*row) string {
	var numbers []int
	for _, r := range rows {
		numbers = append(numbers, r.Line)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	last := len(texts) - 1
	return fmt.Sprintf("lines %s and %s are", strings.Join(texts[:last], ", "), texts[last])
}
