-- SPDX-License-Identifier: Apache-2.0

-- Text compares as bytes here unless told otherwise. Times are microseconds since 1970.

-- +goose Up

CREATE TABLE keys (
    id           TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of the key
    name         TEXT    NOT NULL,
    prefix       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,                                    -- '': nobody
    access       INTEGER NOT NULL CHECK (access IN (1, 2)),           -- read, write
    all_projects INTEGER NOT NULL CHECK (all_projects IN (0, 1)),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,                                             -- NULL: never
    revoked_at   INTEGER                                              -- NULL: not revoked
) STRICT;
CREATE INDEX keys_by_creation ON keys (created_at, id);
CREATE INDEX keys_by_user ON keys (user_id, created_at, id);
CREATE INDEX keys_by_end ON keys (COALESCE(revoked_at, expires_at));

CREATE TABLE sessions (
    digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of the token
    user_id    TEXT    NOT NULL,                                         -- '': nobody
    role       INTEGER NOT NULL CHECK (role IN (1, 2)),                  -- owner, user
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER                                                   -- NULL: not revoked
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Projects, services and deployments do not refer to each other by foreign keys: a child may come before its parent.

CREATE TABLE projects (
    id       TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    slug     TEXT NOT NULL,
    name     TEXT NOT NULL,
    owner_id TEXT NOT NULL,                                              -- '': nobody
    UNIQUE (slug, owner_id)
) STRICT;
CREATE INDEX projects_by_owner ON projects (owner_id, id);

CREATE TABLE services (
    id         TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    project_id TEXT NOT NULL
) STRICT;
CREATE INDEX services_by_project ON services (project_id, id);

CREATE TABLE deployments (
    id         TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    service_id TEXT NOT NULL
) STRICT;
CREATE INDEX deployments_by_service ON deployments (service_id, id);

-- A project that is deleted leaves every selection, and does not come back into one.
CREATE TABLE key_projects (
    key_id     TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (key_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_projects_by_project ON key_projects (project_id, key_id);

-- Use has a table of its own, without a foreign key, so that writing it touches nothing that decisions read.
CREATE TABLE key_use (
    key_id       TEXT    NOT NULL PRIMARY KEY,
    last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    request_id  TEXT    NOT NULL PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    key_id      TEXT    NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE audit_events (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- no id is used twice
    at         INTEGER NOT NULL,
    role       INTEGER NOT NULL CHECK (role IN (1, 2, 3)), -- gateway, admin, system
    token_name TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    details    TEXT    NOT NULL                            -- a JSON object of strings
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_action ON audit_events (action, id);
CREATE INDEX audit_events_by_subject ON audit_events (subject_id, id);
CREATE INDEX audit_events_by_token ON audit_events (token_name, id);
CREATE INDEX audit_events_by_user ON audit_events (user_id, id);
