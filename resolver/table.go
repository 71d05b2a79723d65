// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	_ "embed"
	"strings"
	"sync"
)

// A Table holds the routes. It never changes. Every method has a row that matches every path.
type Table struct {
	root *node
	rows []*row // as in the file
	// lowercase: no literal has an upper-case letter, so that no path without one equals a literal except for case.
	lowercase bool
}

//go:embed routes.tsv
var defaultRoutes string

var defaultTable = sync.OnceValue(func() *Table {
	t, err := Parse(strings.NewReader(defaultRoutes), "routes.tsv")
	if err != nil {
		panic("resolver: the embedded route table: " + err.Error())
	}
	return t
})

// Default returns the table of Aeroplane's own routes, routes.tsv.
func Default() *Table { return defaultTable() }

// Source returns the text of the table that Default returns, comments and all: routes.tsv.
func Source() string { return defaultRoutes }

// Match returns the row that applies to a path which has passed Gate, and the segment that its scope is about. There
// always is one. The method is one that rows can name, so not OPTIONS, which is allowed before rows are looked at; for
// any other Match panics.
func (t *Table) Match(m Method, path string) Match {
	if m < GET || m > DELETE {
		panic("resolver: Match with a method that no row can name")
	}
	r, id := t.root.match(m, path, 0)
	return Match{Route: &r.Route, ID: id}
}

// Routes returns the rows in the order of the file.
func (t *Table) Routes() []Route {
	routes := make([]Route, len(t.rows))
	for i, r := range t.rows {
		routes[i] = r.Route
	}
	return routes
}
