-- SPDX-License-Identifier: Apache-2.0

-- Lists by name.

-- +goose Up

CREATE INDEX keys_by_name ON keys (lower(name), name, id);
CREATE INDEX keys_by_user_and_name ON keys (user_id, lower(name), name, id);
CREATE INDEX projects_by_name ON projects (lower(name), name, id);
CREATE INDEX projects_by_owner_and_name ON projects (owner_id, lower(name), name, id);
