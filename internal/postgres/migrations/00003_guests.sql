-- SPDX-License-Identifier: Apache-2.0

-- A replica in a gateway's own process is a guest: it logs in as a role that may read what decisions need, be a member, and note
-- uses. What it may touch it is granted, column by column; which rows are its own is said here.

-- +goose Up

-- Whose row it is: of who logged in, as whatever else that may act.
ALTER TABLE members ADD COLUMN owner NAME NOT NULL DEFAULT session_user;

-- Nobody acknowledges for others, or makes the dead seem alive, but who may change keys, and so decides everything as it is. The
-- owner of the table is not held to any of it.
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY members_are_seen_by_all ON members FOR SELECT USING (TRUE);
CREATE POLICY members_are_changed_by_their_owner ON members
    USING (owner = session_user OR has_table_privilege('keys'::regclass, 'UPDATE'));

-- leave_members takes away a row of whoever calls it. Who may delete rows may lock the whole table as well, and with it the rounds
-- of everybody; so nobody needs that right who is but a guest. It runs with the rights of the tables' owner: nothing that a
-- caller has made may be found in place of ours, and so what is temporary comes last.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE);
CREATE FUNCTION leave_members(member UUID) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DELETE FROM members m WHERE m.id = member AND m.owner = session_user
$$;
