-- SPDX-License-Identifier: Apache-2.0

-- What is compared, sorted or unique is COLLATE "C", and so compares as bytes, whatever the database's own collation.
-- Times are microseconds since 1970.

-- +goose Up

CREATE TABLE keys (
    id           TEXT COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    digest       BYTEA    NOT NULL UNIQUE CHECK (octet_length(digest) = 32), -- SHA-256 of the key
    name         TEXT     NOT NULL,
    prefix       TEXT     NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,                                  -- '': nobody
    access       SMALLINT NOT NULL CHECK (access IN (1, 2)),                 -- read, write
    all_projects BOOLEAN  NOT NULL,
    created_at   BIGINT   NOT NULL,
    expires_at   BIGINT,                                                     -- NULL: never
    revoked_at   BIGINT                                                      -- NULL: not revoked
);
CREATE INDEX keys_by_creation ON keys (created_at, id);
CREATE INDEX keys_by_user ON keys (user_id, created_at, id);
CREATE INDEX keys_by_end ON keys (COALESCE(revoked_at, expires_at));

CREATE TABLE sessions (
    digest     BYTEA PRIMARY KEY CHECK (octet_length(digest) = 32),          -- SHA-256 of the token
    user_id    TEXT COLLATE "C" NOT NULL,                                    -- '': nobody
    role       SMALLINT NOT NULL CHECK (role IN (1, 2)),                     -- owner, user
    expires_at BIGINT   NOT NULL,
    revoked_at BIGINT                                                        -- NULL: not revoked
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Projects, services and deployments do not refer to each other by foreign keys: a child may come before its parent.

CREATE TABLE projects (
    id       TEXT COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    slug     TEXT COLLATE "C" NOT NULL,
    name     TEXT NOT NULL,
    owner_id TEXT COLLATE "C" NOT NULL,                                      -- '': nobody
    UNIQUE (slug, owner_id)
);
CREATE INDEX projects_by_owner ON projects (owner_id, id);

CREATE TABLE services (
    id         TEXT COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    project_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX services_by_project ON services (project_id, id);

CREATE TABLE deployments (
    id         TEXT COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    service_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX deployments_by_service ON deployments (service_id, id);

-- A project that is deleted leaves every selection, and does not come back into one.
CREATE TABLE key_projects (
    key_id     TEXT COLLATE "C" REFERENCES keys (id) ON DELETE CASCADE,
    project_id TEXT COLLATE "C" REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (key_id, project_id)
);
CREATE INDEX key_projects_by_project ON key_projects (project_id, key_id);

-- Use has a table of its own, without a foreign key, so that writing it touches nothing that decisions read.
CREATE TABLE key_use (
    key_id       TEXT COLLATE "C" PRIMARY KEY,
    last_used_at BIGINT NOT NULL
);

CREATE TABLE requests (
    request_id  TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA  NOT NULL,
    key_id      TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE audit_events (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT   NOT NULL,
    role       SMALLINT NOT NULL CHECK (role IN (1, 2, 3)),                  -- gateway, admin, system
    token_name TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    details    TEXT NOT NULL                                                 -- a JSON object of strings
);
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_action ON audit_events (action, id);
CREATE INDEX audit_events_by_subject ON audit_events (subject_id, id);
CREATE INDEX audit_events_by_token ON audit_events (token_name, id);
CREATE INDEX audit_events_by_user ON audit_events (user_id, id);
