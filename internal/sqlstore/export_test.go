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

// A ListStatement is the text of a page of a list, and the index that it is to be found by.
type ListStatement struct {
	Statement
	Index string
	Later bool // it is not the first page
}

// ListStatements returns the text of pages that are by name.
func ListStatements() (all []ListStatement) {
	much := "much"
	for _, after := range []authz.Cursor{{}, {Name: "Name 7", ID: "m7"}} {
		page, later := authz.Page{Size: 50, After: after}, !after.IsZero()
		for _, user := range []*string{nil, &much} {
			keys, projects := "keys_by_name", "projects_by_name"
			if user != nil {
				keys, projects = "keys_by_user_and_name", "projects_by_owner_and_name"
			}
			text, values := Dialect{}.keys(authz.KeyFilter{UserID: user, States: []authz.KeyState{authz.Live}, Order: authz.ByName}, page)
			all = append(all, ListStatement{Statement{keys, text, values}, keys, later})
			text, values = Dialect{}.projects(authz.ProjectFilter{OwnerID: user, Order: authz.ByName}, page)
			all = append(all, ListStatement{Statement{projects, text, values}, projects, later})
		}
	}
	return all
}
