-- SPDX-License-Identifier: Apache-2.0

-- Administrators' sessions on the page for API access, and the codes that open them.

-- +goose Up

CREATE TABLE console_sessions (
    digest       BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of its token, or of the code
    code         INTEGER NOT NULL CHECK (code IN (0, 1)),
    token_name   TEXT    NOT NULL,                                         -- of the administrator's token
    token_digest BLOB    NOT NULL CHECK (length(token_digest) = 32),       -- SHA-256 of that
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX console_sessions_by_expiry ON console_sessions (expires_at);
