-- SPDX-License-Identifier: Apache-2.0

-- How what is kept stands to Aeroplane.

-- +goose Up

-- What came from Aeroplane by a sync, which may change and end it.
ALTER TABLE keys ADD COLUMN synced BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX keys_synced ON keys (id) WHERE synced;
ALTER TABLE sessions ADD COLUMN synced BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX sessions_synced ON sessions (digest) WHERE synced;

-- One row. No decision depends on it.
CREATE TABLE catalog_sync (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    revision   BIGINT  NOT NULL,
    tag        BIGINT  NOT NULL, -- random, of the last write of a sync
    complete   BOOLEAN NOT NULL,
    source     TEXT    NOT NULL,
    synced_at  BIGINT,           -- NULL: never, as the next two
    seen_at    BIGINT,
    trouble_at BIGINT,
    trouble    TEXT    NOT NULL,
    refused    INTEGER NOT NULL,
    keys_ours  BOOLEAN NOT NULL
);
INSERT INTO catalog_sync VALUES (1, 0, 0, FALSE, '', NULL, NULL, NULL, '', 0, FALSE);
