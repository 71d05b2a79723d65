// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/resolver"
)

func (a *app) routes() *cobra.Command {
	return group("routes", "Check, try and print the route table, without a server", a.checkRoutes(), a.matchRoute(), a.printRoutes())
}

// A row is a row of the table, in JSON.
type row struct {
	Line    int    `json:"line"`
	Method  string `json:"method"`
	Pattern string `json:"pattern"`
	Who     string `json:"who"`
	Scope   string `json:"scope"`
	Why     string `json:"why,omitempty"`
}

func rowOf(r resolver.Route, why string) row {
	return row{r.Line, r.Method, r.Pattern, r.Who.String(), r.Scope.String(), why}
}

func (r row) cells() []string {
	return []string{strconv.Itoa(r.Line), r.Method, r.Pattern, r.Who, r.Scope}
}

func (a *app) checkRoutes() *cobra.Command {
	cmd := command("check FILE", "Find the mistakes in a route table", exactly("FILE"),
		func(_ *cobra.Command, args []string) error {
			f, err := a.open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			table, err := resolver.Parse(f, spoken(args[0]))
			if err != nil {
				if errors.Is(err, context.Canceled) {
					return unread(err, "")
				}
				return fail(exitNo, "the route table has mistakes:\n%w", err)
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %s, no mistake\n", spoken(args[0]), count(len(table.Routes()), "row", "rows"))
			return err
		})
	cmd.ValidArgsFunction = nil // completes files
	return cmd
}

func (a *app) printRoutes() *cobra.Command {
	cmd := command("print [flags]", "Print the route table as it is written, comments and all", noArguments,
		func(cmd *cobra.Command, _ []string) error {
			var text bytes.Buffer
			p, table, err := a.table(cmd, &text)
			if err != nil {
				return err
			}
			var rows []row
			for _, r := range table.Routes() {
				rows = append(rows, rowOf(r, ""))
			}
			return p.plain(rows, func(w io.Writer) { _, _ = text.WriteTo(w) })
		})
	return withSettings(cmd, 0, "routes", "output")
}

// A matched is what routes match prints, in JSON.
type matched struct {
	Refused string `json:"refused,omitempty"`
	Status  int    `json:"status,omitempty"`
	Allowed string `json:"allowed,omitempty"` // why no row is needed
	Applies *row   `json:"applies,omitempty"`
	ID      string `json:"id,omitempty"`
	Others  []row  `json:"others,omitempty"`
}

func (a *app) matchRoute() *cobra.Command {
	cmd := command("match METHOD PATH [flags]", "Say which row applies to a request, and why", exactly("METHOD", "PATH"),
		func(cmd *cobra.Command, args []string) error {
			p, table, err := a.table(cmd, io.Discard)
			if err != nil {
				return err
			}
			m := match(table, args[0], args[1])
			if err := p.plain(m, m.print); err != nil {
				return err
			}
			if m.Refused != "" {
				return &failure{code: exitNo}
			}
			return nil
		})
	return withSettings(cmd, 0, "routes", "output")
}

// match looks in the order in which a decision does: method, path, preflight, row.
func match(table *resolver.Table, methodText, target string) matched {
	method, ok := resolver.MethodOf(methodText)
	if !ok {
		return refusedBy(authz.MethodNotAllowed, "the method is unknown; methods are spelled in capitals")
	}
	path, err := table.Gate(target)
	if err != nil {
		return refusedBy(authz.MalformedPath, err.Error())
	}
	if method == resolver.OPTIONS {
		return matched{Allowed: "OPTIONS is a preflight, and allowed everywhere: no row is looked at"}
	}
	m := matched{ID: table.Match(method, path).ID}
	for _, c := range table.Explain(method, path) {
		r := rowOf(c.Route, c.Why)
		if c.Applies {
			m.Applies = &r
		} else {
			m.Others = append(m.Others, r)
		}
	}
	return m
}

func refusedBy(r authz.Reason, detail string) matched {
	return matched{Refused: r.String() + ": " + detail, Status: r.HTTPStatus()}
}

func (m matched) print(w io.Writer) {
	switch {
	case m.Refused != "":
		fmt.Fprintf(w, "refused: %d %s\n", m.Status, m.Refused)
		return
	case m.Allowed != "":
		fmt.Fprintln(w, m.Allowed)
		return
	}
	cells := [][]string{append(m.Applies.cells(), "applies: "+m.Applies.Why)}
	for _, r := range m.Others {
		cells = append(cells, append(r.cells(), r.Why))
	}
	columns(w, "LINE METHOD PATTERN WHO SCOPE WHY", cells)
	if m.ID != "" {
		fmt.Fprintf(w, "It is about the %s %s.\n", m.Applies.Scope, m.ID)
	}
}

// table returns what prints, and the route table that the settings name, whose text it copies.
func (a *app) table(cmd *cobra.Command, text io.Writer) (printer, *resolver.Table, error) {
	v, err := a.load(cmd)
	if err != nil {
		return printer{}, nil, err
	}
	table, err := a.routeTable(v, text)
	return printer{a.stdout, a.stderr, v.Output == "json"}, table, err
}

// routeTable reads the route table that the settings name, and copies its text. "-" is standard input; CheckServer
// refuses that to servers.
func (a *app) routeTable(v *settings.Settings, text io.Writer) (*resolver.Table, error) {
	if v.Routes == "" {
		_, _ = io.WriteString(text, resolver.Source())
		return resolver.Default(), nil
	}
	f, err := a.open(v.Routes)
	if err != nil {
		return nil, usage("routes: %w", err)
	}
	defer f.Close()
	table, err := resolver.Parse(io.TeeReader(f, text), spoken(v.Routes))
	if err != nil {
		return nil, unread(err, "the route table has mistakes:\n%w", err)
	}
	return table, nil
}
