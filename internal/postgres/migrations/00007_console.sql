-- SPDX-License-Identifier: Apache-2.0

-- Administrators' sessions on the page for API access, and the codes that open them.

-- +goose Up

CREATE TABLE console_sessions (
    digest       BYTEA   PRIMARY KEY CHECK (octet_length(digest) = 32),      -- SHA-256 of its token, or of the code
    code         BOOLEAN NOT NULL,
    token_name   TEXT    NOT NULL,                                           -- of the administrator's token
    token_digest BYTEA   NOT NULL CHECK (octet_length(token_digest) = 32),   -- SHA-256 of that
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX console_sessions_by_expiry ON console_sessions (expires_at);
