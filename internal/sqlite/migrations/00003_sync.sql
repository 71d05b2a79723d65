-- SPDX-License-Identifier: Apache-2.0

-- How what is kept stands to Aeroplane.

-- +goose Up

-- What came from Aeroplane by a sync, which may change and end it.
ALTER TABLE keys ADD COLUMN synced INTEGER NOT NULL DEFAULT 0 CHECK (synced IN (0, 1));
CREATE INDEX keys_synced ON keys (id) WHERE synced;
ALTER TABLE sessions ADD COLUMN synced INTEGER NOT NULL DEFAULT 0 CHECK (synced IN (0, 1));
CREATE INDEX sessions_synced ON sessions (digest) WHERE synced;

-- One row. No decision depends on it.
CREATE TABLE catalog_sync (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision   INTEGER NOT NULL,
    tag        INTEGER NOT NULL,                                -- random, of the last write of a sync
    complete   INTEGER NOT NULL CHECK (complete IN (0, 1)),
    source     TEXT    NOT NULL,
    synced_at  INTEGER,                                         -- NULL: never, as the next two
    seen_at    INTEGER,
    trouble_at INTEGER,
    trouble    TEXT    NOT NULL,
    refused    INTEGER NOT NULL,
    keys_ours  INTEGER NOT NULL CHECK (keys_ours IN (0, 1))
) STRICT;
INSERT INTO catalog_sync VALUES (1, 0, 0, 0, '', NULL, NULL, NULL, '', 0, 0);
