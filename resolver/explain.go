// SPDX-License-Identifier: Apache-2.0

package resolver

import "fmt"

// A Candidate is a row whose pattern matches a path.
type Candidate struct {
	Route   Route
	Applies bool   // true for one candidate, the row that Match returns
	Why     string // why it applies, or why it does not
}

// Explain returns every row whose pattern matches a path, for people. First comes the row that applies, then the other
// rows for the method, then those for other methods, each group from the most specific on. It asks of its arguments
// what Match does.
func (t *Table) Explain(m Method, path string) []Candidate {
	winner, _ := t.root.match(m, path, 0)
	var same, others []Candidate
	passed := false // the winner, in the order of specificity
	for _, r := range t.root.collect(path, nil) {
		switch {
		case r == winner:
			passed = true
		case r.method == m || r.method == anyMethod:
			same = append(same, Candidate{Route: r.Route, Why: whyBeaten(r, winner)})
		default:
			why := "is for "
			if !passed {
				why = "is more specific, but for "
			}
			others = append(others, Candidate{Route: r.Route, Why: why + r.Method + ", not " + methodWords[m]})
		}
	}
	why := "the only row that matches"
	if len(same) > 0 {
		why = "the most specific row that matches"
	}
	all := []Candidate{{Route: winner.Route, Applies: true, Why: why}}
	return append(append(all, same...), others...)
}

// collect appends the rows of all methods that match what is left of a path below n, most specific first.
func (n *node) collect(path string, rows []*row) []*row {
	if path == "" {
		rows = n.ends.collect(rows)
	} else if segment, after := split(path); segment != "" {
		if to := n.exact(segment); to != nil {
			rows = to.collect(after, rows)
		}
		if n.variable != nil {
			rows = n.variable.collect(after, rows)
		}
	}
	return n.rest.collect(rows)
}

// collect appends the rows of one pattern, those that name a method first.
func (l *leaf) collect(rows []*row) []*row {
	for m := GET; m <= DELETE; m++ {
		if l[m] != nil {
			rows = append(rows, l[m])
		}
	}
	if l[anyMethod] != nil {
		rows = append(rows, l[anyMethod])
	}
	return rows
}

// whyBeaten says what makes winner more specific than r. Both match the same path, so they differ in the kind of some
// segment, in length, or in the method only.
func whyBeaten(r, winner *row) string {
	for i, s := range r.segments {
		if i == len(winner.segments) {
			return fmt.Sprintf("line %d ends with the path, this row goes on with **", winner.Line)
		}
		if w := winner.segments[i]; w.kind != s.kind {
			return fmt.Sprintf("segment %d is %s in line %d, %s here", i+1, w, winner.Line, s.kind)
		}
	}
	return fmt.Sprintf("line %d names the method", winner.Line)
}

func (k kind) String() string { return [...]string{"a literal", "a variable", "**"}[k] }

func (s segment) String() string {
	if s.kind == literal {
		return fmt.Sprintf("the literal %q", s.text)
	}
	return s.kind.String()
}
