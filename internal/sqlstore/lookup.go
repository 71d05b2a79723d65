// SPDX-License-Identifier: Apache-2.0

package sqlstore

import "aeroplane.run/authz/resolver"

// The statement of a look-up has a part for the credential, which is row c, and a part for what is reached. Whatever is
// not known must not take away what is, so every join is an outer one, on a row that is always there. Each join finds
// its row by an index: the cost grows neither with the keys, nor with the projects, nor with a key's selection.

const (
	keyColumnList     = "c.id, c.name, c.prefix, c.user_id, c.access, c.all_projects, c.created_at, c.expires_at, c.revoked_at"
	sessionColumnList = "c.user_id, c.role, c.expires_at, c.revoked_at"
	noKey             = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL" // with the digest
	noSession         = "NULL, NULL, NULL, NULL, NULL"
)

// A user's slug means the user's own project, or else nobody's. For a caller without a user it means whatever bears it:
// two are enough to see that it is not unique, and among those of one slug owners are distinct.
const (
	slugFirst = `CASE WHEN c.user_id = ''
		THEN (SELECT q.id FROM projects q WHERE q.slug = $2 ORDER BY q.owner_id LIMIT 1)
		ELSE (SELECT q.id FROM projects q WHERE q.slug = $2 AND q.owner_id = c.user_id) END`
	slugSecond = `CASE WHEN c.user_id = ''
		THEN (SELECT q.id FROM projects q WHERE q.slug = $2 ORDER BY q.owner_id LIMIT 1 OFFSET 1)
		ELSE (SELECT q.id FROM projects q WHERE q.slug = $2 AND q.owner_id = '') END`
)

// named reports whether the scope is about something that the query's ID names.
func (sh shape) named() bool {
	switch sh.scope {
	case resolver.Project, resolver.ProjectSlug, resolver.Service, resolver.Deployment, resolver.ServiceTransfer:
		return true
	}
	return false
}

// projects returns how many projects a row of the statement holds.
func (sh shape) projects() int {
	switch {
	case sh.transfer, sh.scope == resolver.ProjectSlug:
		return 2
	case sh.named(), sh.scope == resolver.ProjectList:
		return 1
	}
	return 0
}

// statement returns the text: $1 is the digest, $2 the ID where the shape is named, $3 the second project of a transfer.
func (sh shape) statement() string {
	columns, from := "c.digest, "+keyColumnList, " FROM (SELECT 1) AS one LEFT JOIN keys c ON c.digest = $1"
	if sh.session {
		columns, from = "c.digest, "+sessionColumnList, " FROM (SELECT 1) AS one LEFT JOIN sessions c ON c.digest = $1"
	}
	project := func(alias, id string) {
		from += " LEFT JOIN projects " + alias + " ON " + alias + ".id = " + id
		if sh.session {
			columns += ", " + alias + ".id, " + alias + ".owner_id, FALSE"
			return
		}
		chosen := alias + "_chosen"
		from += " LEFT JOIN key_projects " + chosen +
			" ON " + chosen + ".key_id = c.id AND " + chosen + ".project_id = " + alias + ".id"
		columns += ", " + alias + ".id, " + alias + ".owner_id, " + chosen + ".key_id IS NOT NULL"
	}
	switch sh.scope {
	case resolver.Project:
		project("p", "$2")
	case resolver.ProjectSlug:
		project("p", slugFirst)
		project("o", slugSecond)
	case resolver.Service, resolver.ServiceTransfer:
		from += " LEFT JOIN services s ON s.id = $2"
		project("p", "s.project_id")
	case resolver.Deployment:
		from += " LEFT JOIN deployments d ON d.id = $2 LEFT JOIN services s ON s.id = d.service_id"
		project("p", "s.project_id")
	case resolver.ProjectList:
		return sh.list(columns, from)
	}
	if sh.transfer {
		project("t", "$3")
	}
	return "SELECT " + columns + from
}

// list returns the text for a list of projects: a first row, or one for each project of a key's selection, that holds
// the credential, and rows for the projects of its user.
func (sh shape) list(columns, from string) string {
	if sh.session {
		return "SELECT " + columns + ", NULL, NULL, FALSE" + from + `
			UNION ALL SELECT ` + noSession + `, p.id, p.owner_id, FALSE
			FROM sessions c JOIN projects p ON p.owner_id IN (c.user_id, '')
			WHERE c.digest = $1 AND c.user_id <> ''`
	}
	return "SELECT " + columns + ", p.id, p.owner_id, TRUE" + from + `
			LEFT JOIN key_projects chosen ON chosen.key_id = c.id LEFT JOIN projects p ON p.id = chosen.project_id
		UNION ALL SELECT ` + noKey + `, p.id, p.owner_id, FALSE
			FROM keys c JOIN projects p ON p.owner_id = c.user_id
			WHERE c.digest = $1 AND c.all_projects AND c.user_id <> ''`
}
