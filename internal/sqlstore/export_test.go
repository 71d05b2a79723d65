// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// Change runs fn in the transaction of a change.
func (s *Store) Change(ctx context.Context, c authz.Change, fn func()) error {
	return s.change(ctx, c, func(context.Context, *tx) error { fn(); return nil })
}

// A Statement is the text of a look-up, and how many values it takes.
type Statement struct {
	Name, Text string
	Values     int
}

// LookupStatements returns the text of every look-up.
func LookupStatements() (all []Statement) {
	for _, scope := range []struct {
		name  string
		scope resolver.Scope
	}{
		{"nothing", resolver.Nothing}, {"project list", resolver.ProjectList}, {"project create", resolver.ProjectCreate},
		{"project", resolver.Project}, {"project slug", resolver.ProjectSlug}, {"service", resolver.Service},
		{"deployment", resolver.Deployment}, {"transfer", resolver.ServiceTransfer},
	} {
		for _, sh := range []shape{{scope: scope.scope}, {scope: scope.scope, session: true}} {
			sh.transfer = sh.scope == resolver.ServiceTransfer
			s := Statement{Name: scope.name + " by key", Text: sh.statement(), Values: 1}
			if sh.session {
				s.Name = scope.name + " by session"
			}
			if sh.named() {
				s.Values++
			}
			if sh.transfer {
				s.Values++
			}
			all = append(all, s)
		}
	}
	return all
}
