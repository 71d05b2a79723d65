-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE users (
	id            TEXT PRIMARY KEY,
	name          TEXT NOT NULL,
	email         TEXT NOT NULL UNIQUE,
	password_hash TEXT,
	role          TEXT NOT NULL DEFAULT 'user',
	created_at    TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE project_groups (
	id            TEXT PRIMARY KEY,
	owner_user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
	name          TEXT NOT NULL,
	slug          TEXT NOT NULL,
	description   TEXT,
	created_at    TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX project_groups_slug ON project_groups (slug);

CREATE TABLE projects (
	id               TEXT PRIMARY KEY,
	project_group_id TEXT REFERENCES project_groups (id) ON DELETE CASCADE,
	name             TEXT NOT NULL,
	slug             TEXT NOT NULL,
	repository       TEXT,
	branch           TEXT NOT NULL DEFAULT 'main',
	created_at       TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX projects_group ON projects (project_group_id);

CREATE TABLE deployments (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	status      TEXT NOT NULL DEFAULT 'queued',
	created_at  TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
	finished_at TEXT,
	log_excerpt TEXT
);
CREATE INDEX deployments_project ON deployments (project_id);

CREATE TABLE auth_sessions (
	id         TEXT PRIMARY KEY,
	user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
	token_hash TEXT NOT NULL,
	created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
	expires_at TEXT
);
CREATE INDEX auth_sessions_hash ON auth_sessions (token_hash);

CREATE TABLE api_keys (
	id                 TEXT PRIMARY KEY,
	name               TEXT NOT NULL,
	token_hash         TEXT NOT NULL,
	token_prefix       TEXT NOT NULL,
	access_level       TEXT NOT NULL DEFAULT 'read',
	project_scope      TEXT NOT NULL DEFAULT 'all',
	created_by_user_id TEXT,
	created_at         TEXT NOT NULL,
	updated_at         TEXT,
	last_used_at       TEXT,
	expires_at         TEXT,
	revoked_at         TEXT
);
CREATE INDEX api_keys_hash ON api_keys (token_hash);

CREATE TABLE api_key_project_scopes (
	api_key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
	project_id TEXT NOT NULL,
	PRIMARY KEY (api_key_id, project_id)
);

-- What nobody else reads.
CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value TEXT
);
