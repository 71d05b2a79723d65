// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"iter"
	"slices"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A commit is one transaction that changed something, with its rows of the log. Commits make a tree: after a failover one
// server may have a commit that the other has not.
type commit struct {
	parent  *commit
	by      string
	rows    []fence.Row
	after   *catalog
	safe    time.Time // since when it was in force and could not be lost any more; zero: it may be lost
	jumbled bool      // its numbers need not be higher than those of its parent: the model is broken so
}

func (c *commit) first() authz.Revision { return c.rows[0].Revision }
func (c *commit) last() authz.Revision  { return c.rows[len(c.rows)-1].Revision }

// follows reports whether a commit is, or comes after, another.
func (c *commit) follows(other *commit) bool {
	for ; c != nil && (c.last().Seq >= other.last().Seq || c.jumbled); c = c.parent {
		if c == other {
			return true
		}
	}
	return false
}

// A history is every commit that there ever was, on whatever server.
type history struct {
	all    []*commit
	places map[authz.Revision]place
	// line is the commits that are safe, in order: the one history that counts.
	line []*commit
}

// A place is a revision: of which commit it is a row.
type place struct {
	commit *commit
	index  int
}

// whole reports whether the revision is the last of its commit.
func (p place) whole() bool { return p.index == len(p.commit.rows)-1 }

// seen returns the newest commit all of which the place knows of.
func (p place) seen() *commit {
	if p.whole() {
		return p.commit
	}
	return p.commit.parent
}

func (h *history) add(c *commit) {
	h.all = append(h.all, c)
	for i, r := range c.rows {
		h.places[r.Revision] = place{c, i}
	}
}

// save notes that a commit cannot be lost any more.
func (h *history) save(c *commit) {
	if !c.safe.IsZero() {
		return
	}
	if n := len(h.line); n > 0 && c.parent != h.line[n-1] {
		panic("the model of Postgres has lost a commit that was safe")
	}
	c.safe = time.Now()
	h.line = append(h.line, c)
}

func (h *history) newest() *commit { return h.line[len(h.line)-1] }

// safeAt returns the newest commit that was safe at an instant.
func (h *history) safeAt(t time.Time) *commit {
	for i := len(h.line) - 1; i > 0; i-- {
		if !h.line[i].safe.After(t) {
			return h.line[i]
		}
	}
	return h.line[0]
}

// since returns a commit and all that follow it, in whichever branch.
func (h *history) since(begin *commit) iter.Seq[*commit] {
	return func(yield func(*commit) bool) {
		for _, c := range slices.Backward(h.all) {
			if c.follows(begin) && !yield(c) || c == begin {
				return
			}
		}
	}
}

// subjectsOf returns every subject about which the two catalogs do not say the same, in the order of the universe.
func subjectsOf(before, after *catalog) (changed []authz.Subject) {
	for _, s := range universe.subjects {
		if !same(before.record(s), after.record(s)) {
			changed = append(changed, s)
		}
	}
	return changed
}
