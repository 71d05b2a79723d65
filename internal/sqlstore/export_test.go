// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"

	"aeroplane.run/authz"
)

// Change runs fn in the transaction of a change.
func (s *Store) Change(ctx context.Context, c authz.Change, fn func()) error {
	_, err := s.change(ctx, c, func(context.Context, *tx) error { fn(); return nil })
	return err
}

// A Statement is the text of a record's statement, and values for it.
type Statement struct {
	Name, Text string
	Values     []any
}

// RecordStatements returns the text of every kind of record.
func RecordStatements() (all []Statement) {
	digest := authz.Digest([]byte("0123456789abcdef0123456789abcdef"))
	for name, of := range map[string]authz.Subject{
		"key": authz.KeySubject(digest), "session": authz.SessionSubject(digest),
		"service": {Kind: authz.OfService, ID: "v7"}, "deployment": {Kind: authz.OfDeployment, ID: "d7"},
		"project": {Kind: authz.OfProject, ID: "p7"}, "user": {Kind: authz.OfUser, ID: "u7"},
		"slug": authz.SlugSubject("s7", "u7"), "slug of any": authz.SlugOfAnySubject("s7"),
	} {
		form, values, _ := formOf(of)
		all = append(all, Statement{name, form.statement(), values})
	}
	return all
}
