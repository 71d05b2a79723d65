-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- The lock of the history is that of a table, which takes a right to the table. An advisory lock is anybody's who may log in, a
-- guest's among them, and while somebody holds it nobody can change anything: not even revoke a key.
CREATE TABLE log_lock ();

CREATE OR REPLACE FUNCTION lock_log() RETURNS void LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
    LOCK TABLE log_lock IN EXCLUSIVE MODE -- which a dump does not wait for, nor anybody for a dump
$$;
