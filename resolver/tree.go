// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"cmp"
	"slices"
	"strings"
)

// A row is a Route with its pattern taken apart.
type row struct {
	Route
	method   Method // anyMethod for *
	segments []segment
	id       int // the index of the segment that the scope is about; negative for none
}

// lowercase reports whether no literal of the row has an upper-case letter.
func (r *row) lowercase() bool {
	return !slices.ContainsFunc(r.segments, func(s segment) bool { return s.kind == literal && s.text != strings.ToLower(s.text) })
}

// A node is a place in the tree of patterns: all rows whose patterns begin alike, up to the names of variables.
type node struct {
	literals []edge // sorted by compareFold, then by bytes
	variable *node  // nil where no pattern goes on with a variable
	ends     leaf   // patterns that end here
	rest     leaf   // patterns that go on with **
}

// An edge leads to the node behind a literal.
type edge struct {
	literal string
	line    int // of the first row that has it
	to      *node
}

// A leaf holds the rows of one pattern by method; those for every method are at anyMethod.
type leaf [len(methodWords)]*row

// row returns the row for a method, or nil.
func (l *leaf) row(m Method) *row {
	if r := l[m]; r != nil {
		return r
	}
	return l[anyMethod]
}

// insert adds a row below n, and returns nil, or else the row that it ties with.
func (n *node) insert(r *row) *row {
	at := &n.ends
	for _, s := range r.segments {
		switch s.kind {
		case literal:
			n = n.grow(s.text, r.Line)
		case variable:
			if n.variable == nil {
				n.variable = new(node)
			}
			n = n.variable
		}
		at = &n.ends
		if s.kind == rest {
			at = &n.rest
		}
	}
	if tied := at[r.method]; tied != nil {
		return tied
	}
	at[r.method] = r
	return nil
}

// grow returns the node behind a literal, which it adds if it is new.
func (n *node) grow(text string, line int) *node {
	i, found := slices.BinarySearchFunc(n.literals, text, func(e edge, s string) int {
		return cmp.Or(compareFold(e.literal, s), cmp.Compare(e.literal, s))
	})
	if !found {
		n.literals = slices.Insert(n.literals, i, edge{literal: text, line: line, to: new(node)})
	}
	return n.literals[i].to
}

// exact returns the node behind a literal, or nil. It searches by hand, with a function to compare by that takes twice the time, and
// not by way of find, with which a match takes two thirds more: most literals of its length differ in their first letters.
func (n *node) exact(segment string) *node {
	i, end := 0, len(n.literals)
	for i < end {
		mid := int(uint(i+end) / 2)
		e := &n.literals[mid]
		below := len(e.literal) < len(segment)
		if len(e.literal) == len(segment) {
			if e.literal == segment {
				return e.to
			}
			order := compareFold(e.literal, segment)
			below = order < 0 || order == 0 && e.literal < segment
		}
		if below {
			i = mid + 1
		} else {
			end = mid
		}
	}
	return nil
}

// find returns the edge of a literal, and one whose literal equals it except for case; either may be nil.
func (n *node) find(segment string) (exact, other *edge) {
	i, end := 0, len(n.literals)
	for i < end {
		if mid := int(uint(i+end) / 2); compareFold(n.literals[mid].literal, segment) < 0 {
			i = mid + 1
		} else {
			end = mid
		}
	}
	for ; i < len(n.literals); i++ {
		switch e := &n.literals[i]; {
		case e.literal == segment:
			exact = e
		case compareFold(e.literal, segment) == 0:
			other = e
		default:
			return exact, other
		}
	}
	return exact, other
}

// match returns the most specific row for what is left of a path below n, which is depth segments deep, or nil; and the segment that
// its scope is about, as far as that is one of those left. Trying more specific places first, and going back where they have no row
// for the method, is the order of specificity itself.
func (n *node) match(m Method, path string, depth int) (r *row, id string) {
	if path == "" {
		if r := n.ends.row(m); r != nil {
			return r, ""
		}
	} else if segment, after := split(path); segment != "" {
		if to := n.exact(segment); to != nil {
			r, id = to.match(m, after, depth+1)
		}
		if r == nil && n.variable != nil {
			r, id = n.variable.match(m, after, depth+1)
		}
		if r != nil {
			if r.id == depth {
				id = segment
			}
			return r, id
		}
	}
	return n.rest.row(m), ""
}

// otherCase returns an edge whose literal some segment of a path equals, except for case, at a place that the segments
// before it reach. Every place counts, not just the most specific, and so do rows of every method: what reads the
// path behind us may fold the case, and then take any of those rows.
func (n *node) otherCase(path string) *edge {
	if path == "" {
		return nil
	}
	segment, after := split(path)
	exact, other := n.find(segment)
	if other == nil && exact != nil {
		other = exact.to.otherCase(after)
	}
	if other == nil && n.variable != nil {
		other = n.variable.otherCase(after)
	}
	return other
}

// compareFold orders literals by length, which tells most of them apart at once, then by their bytes without case.
func compareFold(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	for i := range len(a) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return 0
}
