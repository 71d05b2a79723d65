// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"strings"

	"github.com/lib/pq"

	"aeroplane.run/authz"
)

// grants is all that a guest needs, and no more. Of members it writes single columns: a right to update or delete rows of the
// whole table would be a right to lock it, and with it everybody's rounds. Whose rows those are is for the policies.
const grants = `-- Lets the role NAME be a replica in a gateway's own process, and do nothing else here.
-- For the owner of the tables to run, in the database of the service, and once more after each migration.
BEGIN;
SET LOCAL aeroplane_authz.guest = TEXT;
DO $$
DECLARE
    guest name := current_setting('aeroplane_authz.guest');
BEGIN
    IF has_table_privilege(guest, 'keys', 'INSERT, UPDATE, DELETE') OR
        (SELECT pg_has_role(guest, c.relowner, 'MEMBER') FROM pg_class c WHERE c.oid = 'keys'::regclass) THEN
        RAISE 'this role is more than a replica in a gateway: make one of its own';
    END IF;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- as it is from Postgres 15 on; before, it takes a superuser
REVOKE ALL ON keys, key_projects, key_use, sessions, projects, services, deployments, requests, audit_events, catalog_sync, change_log, log_lock,
    console_sessions, members, schema_version FROM NAME;
GRANT USAGE ON SCHEMA public TO NAME;
GRANT SELECT ON keys, key_projects, key_use, sessions, services, deployments, change_log, members, schema_version TO NAME;
GRANT SELECT (id, slug, owner_id) ON projects TO NAME;
GRANT INSERT (id, lease_ms, protocol, name, beat, applied_seq, applied_tag), UPDATE (beat, applied_seq, applied_tag) ON members TO NAME;
GRANT INSERT (key_id, last_used_at), UPDATE (last_used_at) ON key_use TO NAME;
GRANT EXECUTE ON FUNCTION random_tag(), leave_members(UUID) TO NAME;
COMMIT;
`

// Grants returns the SQL that lets a role be a guest's. Errors: Invalid if there can be no such role.
func Grants(role string) (string, error) {
	const longest = 63 // bytes, of which Postgres would cut off the rest
	switch {
	case role == "" || len(role) > longest || strings.ContainsFunc(role, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return "", authz.Errorf(authz.Invalid, "the name of a role has 1 to %d bytes, on one line", longest)
	case role == "public", role == "none", strings.HasPrefix(role, "pg_"): // also in quotes
		return "", authz.Errorf(authz.Invalid, "%s means something else to Postgres than a role of yours", role)
	}
	return strings.NewReplacer("NAME", pq.QuoteIdentifier(role), "TEXT", pq.QuoteLiteral(role)).Replace(grants), nil
}

// mayDoMore asks whether our role may do anything to our tables, or beside them, that a guest has no business with.
const mayDoMore = `SELECT has_schema_privilege(m.relnamespace, 'CREATE') OR pg_has_role(m.relowner, 'MEMBER') OR
		(SELECT bool_or(has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR
			c.relname NOT IN ('members', 'key_use') AND has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
		FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = m.relnamespace)
	FROM pg_class m WHERE m.oid = 'members'::regclass`

// checkGuest refuses a role that may do more than a guest needs.
func checkGuest(ctx context.Context, db *sql.DB) error {
	var more bool
	if err := db.QueryRowContext(ctx, mayDoMore).Scan(&more); err != nil {
		return dialect.Classified(err)
	}
	if more {
		return authz.Errorf(authz.FailedPrecondition, "the role of Postgres may do more than a replica in a gateway needs, and whoever "+
			"breaks into the gateway could do it as well: give it a role of its own, to which the SQL of `aeroplane-authz migrate role` "+
			"grants what it needs")
	}
	return nil
}
