-- SPDX-License-Identifier: Apache-2.0

-- The history of what decisions depend on. Package fence tells what it is for.

-- +goose Up

-- A row says that from here on the answer about a subject may be another. Rows are numbered without a gap, in the order of
-- the changes, and the log is never empty.
CREATE TABLE change_log (
    seq       INTEGER NOT NULL PRIMARY KEY,
    tag       INTEGER NOT NULL,                              -- random
    kind      INTEGER NOT NULL,                              -- authz.SubjectKind
    subject   TEXT    NOT NULL,                              -- its id: of a key or session the digest in hexadecimal
    narrowing INTEGER NOT NULL CHECK (narrowing IN (0, 1)),  -- something may have been taken away
    at        INTEGER NOT NULL                               -- for people and retention
) STRICT;

-- To insert into this view is to append to the log. Without a row to number after, it is refused.
CREATE VIEW log_change AS SELECT kind, subject, narrowing FROM change_log;
-- +goose StatementBegin
CREATE TRIGGER log_change_appends INSTEAD OF INSERT ON log_change BEGIN
    INSERT INTO change_log (seq, tag, kind, subject, narrowing, at) SELECT
        max(seq) + 1, random() & 0xfffffffffffffff, NEW.kind, NEW.subject, NEW.narrowing,
        CAST(unixepoch('subsec') * 1000000 AS INTEGER)
    FROM change_log;
END;
-- +goose StatementEnd
INSERT INTO change_log (seq, tag, kind, subject, narrowing, at) VALUES
    (1, random() & 0xfffffffffffffff, 0, '', 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER));

-- What is new takes nothing away; everything else may.

-- +goose StatementBegin
CREATE TRIGGER keys_logged_insert AFTER INSERT ON keys BEGIN
    INSERT INTO log_change VALUES (1, lower(hex(NEW.digest)), 0);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER keys_logged_update AFTER UPDATE ON keys BEGIN
    INSERT INTO log_change SELECT 1, lower(hex(OLD.digest)), 1 UNION SELECT 1, lower(hex(NEW.digest)), 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER keys_logged_delete AFTER DELETE ON keys BEGIN
    INSERT INTO log_change VALUES (1, lower(hex(OLD.digest)), 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER sessions_logged_insert AFTER INSERT ON sessions BEGIN
    INSERT INTO log_change VALUES (5, lower(hex(NEW.digest)), 0);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER sessions_logged_update AFTER UPDATE ON sessions BEGIN
    INSERT INTO log_change SELECT 5, lower(hex(OLD.digest)), 1 UNION SELECT 5, lower(hex(NEW.digest)), 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER sessions_logged_delete AFTER DELETE ON sessions BEGIN
    INSERT INTO log_change VALUES (5, lower(hex(OLD.digest)), 1);
END;
-- +goose StatementEnd

-- A selection is part of its key. Where the key is gone, its own row says so.
-- +goose StatementBegin
CREATE TRIGGER key_projects_logged_insert AFTER INSERT ON key_projects BEGIN
    INSERT INTO log_change SELECT 1, lower(hex(digest)), 0 FROM keys WHERE id = NEW.key_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER key_projects_logged_update AFTER UPDATE ON key_projects BEGIN
    INSERT INTO log_change SELECT 1, lower(hex(digest)), 1 FROM keys WHERE id IN (OLD.key_id, NEW.key_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER key_projects_logged_delete AFTER DELETE ON key_projects BEGIN
    INSERT INTO log_change SELECT 1, lower(hex(digest)), 1 FROM keys WHERE id = OLD.key_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER services_logged_insert AFTER INSERT ON services BEGIN
    INSERT INTO log_change VALUES (2, NEW.id, 0);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER services_logged_update AFTER UPDATE ON services BEGIN
    INSERT INTO log_change SELECT 2, OLD.id, 1 UNION SELECT 2, NEW.id, 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER services_logged_delete AFTER DELETE ON services BEGIN
    INSERT INTO log_change VALUES (2, OLD.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER deployments_logged_insert AFTER INSERT ON deployments BEGIN
    INSERT INTO log_change VALUES (4, NEW.id, 0);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER deployments_logged_update AFTER UPDATE ON deployments BEGIN
    INSERT INTO log_change SELECT 4, OLD.id, 1 UNION SELECT 4, NEW.id, 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER deployments_logged_delete AFTER DELETE ON deployments BEGIN
    INSERT INTO log_change VALUES (4, OLD.id, 1);
END;
-- +goose StatementEnd

-- A project is itself, one of its owner's, and what its slug means: to its owner, and to whoever has no user. A slug that
-- another project bears may mean that one no longer.
-- +goose StatementBegin
CREATE TRIGGER projects_logged_insert AFTER INSERT ON projects BEGIN
    INSERT INTO log_change SELECT s.kind, s.id,
        EXISTS (SELECT 1 FROM projects p WHERE p.slug = NEW.slug AND p.id <> NEW.id)
    FROM (SELECT 3 AS kind, NEW.id AS id UNION ALL SELECT 7, NEW.owner_id
        UNION ALL SELECT 6, NEW.slug || '/' || NEW.owner_id UNION ALL SELECT 6, NEW.slug) AS s;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER projects_logged_update AFTER UPDATE ON projects
    WHEN (OLD.id, OLD.slug, OLD.owner_id) <> (NEW.id, NEW.slug, NEW.owner_id) BEGIN
    INSERT INTO log_change
        SELECT 3, OLD.id, 1 UNION SELECT 7, OLD.owner_id, 1
        UNION SELECT 6, OLD.slug || '/' || OLD.owner_id, 1 UNION SELECT 6, OLD.slug, 1
        UNION SELECT 3, NEW.id, 1 UNION SELECT 7, NEW.owner_id, 1
        UNION SELECT 6, NEW.slug || '/' || NEW.owner_id, 1 UNION SELECT 6, NEW.slug, 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER projects_logged_delete AFTER DELETE ON projects BEGIN
    INSERT INTO log_change VALUES (3, OLD.id, 1), (7, OLD.owner_id, 1),
        (6, OLD.slug || '/' || OLD.owner_id, 1), (6, OLD.slug, 1);
END;
-- +goose StatementEnd
