// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"database/sql/driver"
	"strings"

	"aeroplane.run/authz"
)

// A table is what is known of one of Aeroplane's tables. Others, and other columns, are nobody's business here.
type table struct {
	name string
	must []string // the columns without which nothing can be decided
	may  []string // those that people look at
}

var (
	users       = table{"users", []string{"id", "role"}, []string{"name", "email"}}
	groups      = table{"project_groups", []string{"id", "owner_user_id", "slug"}, []string{"name"}}
	services    = table{"projects", []string{"id", "project_group_id"}, []string{"name"}}
	deployments = table{"deployments", []string{"id", "project_id"}, nil}
	sessions    = table{"auth_sessions", []string{"id", "user_id", "token_hash", "expires_at"}, nil}
	keys        = table{"api_keys", []string{"id", "token_hash", "access_level", "project_scope", "created_by_user_id", "created_at",
		"expires_at", "revoked_at"}, []string{"name", "token_prefix", "updated_at", "last_used_at"}}
	selections = table{"api_key_project_scopes", []string{"api_key_id", "project_id"}, nil}

	tables = []table{users, groups, services, deployments, sessions, keys, selections}
)

func none([]driver.Value) error { return nil }

// A schema is which columns there are, as "table.column".
type schema map[string]bool

// schema returns what tables have. A view is none, and of one that Aeroplane has not made nobody knows when it ends.
func (c *conn) schema(ctx context.Context) (schema, error) {
	s := schema{}
	for _, t := range tables {
		err := c.each(ctx, "SELECT x.name FROM sqlite_schema s, pragma_table_xinfo(s.name) x WHERE s.type = 'table' AND s.rootpage > 0 AND "+
			"s.name = '"+t.name+"' COLLATE NOCASE", func(v []driver.Value) error {
			name, _ := v[0].(string)
			s[t.name+"."+strings.ToLower(name)], s[t.name] = true, true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// check refuses a database that lacks what must be there.
func (s schema) check(path string) error {
	found := false
	for _, t := range tables {
		found = found || s[t.name]
	}
	if !found {
		return authz.Errorf(authz.FailedPrecondition, "%s has none of Aeroplane's tables: give the path of Aeroplane's deploy.db, "+
			"and start Aeroplane once if it is new", path)
	}
	for _, t := range tables {
		if !s[t.name] {
			return authz.Errorf(authz.FailedPrecondition, "%s has no table %s: %s", path, t.name, older)
		}
		for _, column := range t.must {
			if !s[t.name+"."+column] {
				return authz.Errorf(authz.FailedPrecondition, "%s has no column %s in table %s: %s", path, column, t.name, older)
			}
		}
	}
	return nil
}

const older = "this Aeroplane is older than what aeroplane-authz knows; update Aeroplane, and try again"

// query asks for columns of a table. The driver makes times of texts where a column is declared so, but not where it is an
// expression. A column that may be missing, and is, is NULL.
func (s schema) query(t table, columns ...string) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = "NULL"
		if s[t.name+"."+column] {
			list[i] = "+" + column
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + t.name
}
