-- SPDX-License-Identifier: Apache-2.0

-- The history of what decisions depend on, and the replicas that follow it. Package fence tells what they are for.

-- +goose Up

-- A row says that from here on the answer about a subject may be another. Rows are numbered in the order in which the
-- changes come to be seen, without a gap, and the log is never empty.
CREATE TABLE change_log (
    seq       BIGINT   PRIMARY KEY,
    tag       BIGINT   NOT NULL,             -- random: two histories may have the same number, but not the same row
    kind      SMALLINT NOT NULL,             -- authz.SubjectKind
    subject   TEXT COLLATE "C" NOT NULL,     -- its id: of a key or session the digest in hexadecimal
    narrowing BOOLEAN  NOT NULL,             -- something may have been taken away
    at        BIGINT   NOT NULL              -- for people and retention
);

-- One row for each incarnation of a replica that may be deciding.
CREATE TABLE members (
    id          UUID     PRIMARY KEY,
    lease_ms    INTEGER  NOT NULL CHECK (lease_ms BETWEEN 500 AND 5000), -- changes rely on the bound
    protocol    SMALLINT NOT NULL,           -- for a later program, which may owe the others something else
    name        TEXT     NOT NULL,
    beat        BIGINT   NOT NULL,           -- random, another after each round
    applied_seq BIGINT   NOT NULL,           -- how far it has applied the log; 0: it did not say
    applied_tag BIGINT   NOT NULL
) WITH (fillfactor = 50);                    -- rounds update rows in place

-- random_tag tells things apart that may come to be on servers which do not know of each other: 60 bits, and not 0.
CREATE FUNCTION random_tag() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || right(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint | 1
$$;

-- lock_log makes this transaction the only one that appends, until it has ended and can be seen.
CREATE FUNCTION lock_log() RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(7017280452245743464) -- "authzlog"
$$;

-- log_change appends a row. The lock is held until the transaction has ended and can be seen, so that whoever comes next
-- finds this row, and numbers after it. Should a snapshot from before the lock be used, the primary key refuses the row.
-- Another row about the same subject, one after the other in one transaction, would say nothing new. A plan that was made
-- for a short log and reads all of it would be kept while the log grows.
-- +goose StatementBegin
CREATE FUNCTION log_change(of_kind INTEGER, of_subject TEXT, narrows BOOLEAN) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    newest RECORD;
BEGIN
    PERFORM lock_log();
    SELECT l.seq, l.kind, l.subject, l.narrowing, l.xmin = pg_current_xact_id()::xid AS ours
        INTO newest FROM change_log l ORDER BY l.seq DESC LIMIT 1;
    IF newest.ours AND newest.kind = of_kind AND newest.subject = of_subject AND (newest.narrowing OR NOT narrows) THEN
        RETURN;
    END IF;
    INSERT INTO change_log (seq, tag, kind, subject, narrowing, at) VALUES (
        newest.seq + 1, random_tag(), of_kind, of_subject, narrows, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    PERFORM pg_notify('aeroplane_authz_change_log', '');
END
$$;
-- +goose StatementEnd

-- finish_change is the last statement of a change, and is sent together with its COMMIT: from when the log is locked
-- until it is free again nobody waits for a client. It returns where in the history the change is. One that altered
-- nothing gets a row of its own, and counts as narrowing: it may repeat a call whose outcome nobody knows. So does, with
-- waits, one that only adds: replicas say of narrowing rows alone when they know of them.
-- +goose StatementBegin
CREATE FUNCTION finish_change(waits BOOLEAN, OUT seq BIGINT, OUT tag BIGINT, OUT narrowing BOOLEAN)
LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    mine xid := pg_current_xact_id()::xid;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE; -- which fires the triggers below
    IF (SELECT l.xmin <> mine FROM change_log l ORDER BY l.seq DESC LIMIT 1) THEN
        PERFORM log_change(0, '', TRUE);
    END IF;
    SELECT bool_or(l.narrowing) INTO finish_change.narrowing FROM change_log l
        WHERE l.seq > COALESCE((SELECT o.seq FROM change_log o WHERE o.xmin <> mine ORDER BY o.seq DESC LIMIT 1), 0);
    IF waits AND NOT finish_change.narrowing THEN
        PERFORM log_change(0, '', TRUE);
    END IF;
    SELECT l.seq, l.tag INTO finish_change.seq, finish_change.tag FROM change_log l ORDER BY l.seq DESC LIMIT 1;
END
$$;
-- +goose StatementEnd

-- Without a row to number after, every change is refused.
INSERT INTO change_log (seq, tag, kind, subject, narrowing, at) VALUES
    (1, random_tag(), 0, '', FALSE, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);

-- The triggers run when a transaction ends, and ALWAYS: whatever sets session_replication_role, and whoever types SQL. What
-- is new takes nothing away; everything else may.

-- +goose StatementBegin
CREATE FUNCTION log_credential() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM log_change(TG_ARGV[0]::integer, encode(OLD.digest, 'hex'), TRUE);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM log_change(TG_ARGV[0]::integer, encode(NEW.digest, 'hex'), TG_OP <> 'INSERT');
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- A selection is part of its key. Where the key is gone, its own row says so.
-- +goose StatementBegin
CREATE FUNCTION log_selection() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM log_change(1, encode(k.digest, 'hex'), TRUE) FROM keys k WHERE k.id = OLD.key_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM log_change(1, encode(k.digest, 'hex'), TG_OP <> 'INSERT') FROM keys k WHERE k.id = NEW.key_id;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION log_child() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM log_change(TG_ARGV[0]::integer, OLD.id, TRUE);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM log_change(TG_ARGV[0]::integer, NEW.id, TG_OP <> 'INSERT');
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- A project is itself, one of its owner's, and what its slug means: to its owner, and to whoever has no user. A slug that
-- another project bears may mean that one no longer; who bears it is asked under the lock, or two that come to bear it at once
-- would not know of each other.
-- +goose StatementBegin
CREATE FUNCTION log_project() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    narrows BOOLEAN;
BEGIN
    PERFORM lock_log();
    narrows := TG_OP <> 'INSERT' OR EXISTS (SELECT FROM projects p WHERE p.slug = NEW.slug AND p.id <> NEW.id);
    IF TG_OP <> 'INSERT' THEN
        PERFORM log_change(s.kind, s.id, TRUE) FROM (VALUES
            (3, OLD.id), (7, OLD.owner_id), (6, OLD.slug || '/' || OLD.owner_id), (6, OLD.slug)) AS s (kind, id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM log_change(s.kind, s.id, narrows) FROM (VALUES
            (3, NEW.id), (7, NEW.owner_id), (6, NEW.slug || '/' || NEW.owner_id), (6, NEW.slug)) AS s (kind, id)
            WHERE TG_OP = 'INSERT' OR (s.kind, s.id) NOT IN (
                (3, OLD.id), (7, OLD.owner_id), (6, OLD.slug || '/' || OLD.owner_id), (6, OLD.slug));
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION log_everything() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change(9, '', TRUE);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER keys_logged AFTER INSERT OR DELETE ON keys DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_credential(1);
CREATE CONSTRAINT TRIGGER keys_logged_update AFTER UPDATE ON keys DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION log_credential(1);
CREATE TRIGGER keys_logged_truncate AFTER TRUNCATE ON keys FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE keys ENABLE ALWAYS TRIGGER keys_logged, ENABLE ALWAYS TRIGGER keys_logged_update,
    ENABLE ALWAYS TRIGGER keys_logged_truncate;

CREATE CONSTRAINT TRIGGER sessions_logged AFTER INSERT OR DELETE ON sessions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_credential(5);
CREATE CONSTRAINT TRIGGER sessions_logged_update AFTER UPDATE ON sessions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION log_credential(5);
CREATE TRIGGER sessions_logged_truncate AFTER TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_logged, ENABLE ALWAYS TRIGGER sessions_logged_update,
    ENABLE ALWAYS TRIGGER sessions_logged_truncate;

CREATE CONSTRAINT TRIGGER key_projects_logged AFTER INSERT OR DELETE ON key_projects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_selection();
CREATE CONSTRAINT TRIGGER key_projects_logged_update AFTER UPDATE ON key_projects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION log_selection();
CREATE TRIGGER key_projects_logged_truncate AFTER TRUNCATE ON key_projects FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE key_projects ENABLE ALWAYS TRIGGER key_projects_logged, ENABLE ALWAYS TRIGGER key_projects_logged_update,
    ENABLE ALWAYS TRIGGER key_projects_logged_truncate;

CREATE CONSTRAINT TRIGGER services_logged AFTER INSERT OR DELETE ON services DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_child(2);
CREATE CONSTRAINT TRIGGER services_logged_update AFTER UPDATE ON services DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION log_child(2);
CREATE TRIGGER services_logged_truncate AFTER TRUNCATE ON services FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE services ENABLE ALWAYS TRIGGER services_logged, ENABLE ALWAYS TRIGGER services_logged_update,
    ENABLE ALWAYS TRIGGER services_logged_truncate;

CREATE CONSTRAINT TRIGGER deployments_logged AFTER INSERT OR DELETE ON deployments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_child(4);
CREATE CONSTRAINT TRIGGER deployments_logged_update AFTER UPDATE ON deployments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION log_child(4);
CREATE TRIGGER deployments_logged_truncate AFTER TRUNCATE ON deployments FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE deployments ENABLE ALWAYS TRIGGER deployments_logged, ENABLE ALWAYS TRIGGER deployments_logged_update,
    ENABLE ALWAYS TRIGGER deployments_logged_truncate;

CREATE CONSTRAINT TRIGGER projects_logged AFTER INSERT OR DELETE ON projects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION log_project();
CREATE CONSTRAINT TRIGGER projects_logged_update AFTER UPDATE ON projects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ((OLD.id, OLD.slug, OLD.owner_id) IS DISTINCT FROM (NEW.id, NEW.slug, NEW.owner_id)) EXECUTE FUNCTION log_project();
CREATE TRIGGER projects_logged_truncate AFTER TRUNCATE ON projects FOR EACH STATEMENT EXECUTE FUNCTION log_everything();
ALTER TABLE projects ENABLE ALWAYS TRIGGER projects_logged, ENABLE ALWAYS TRIGGER projects_logged_update,
    ENABLE ALWAYS TRIGGER projects_logged_truncate;
