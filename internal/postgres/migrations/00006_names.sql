-- SPDX-License-Identifier: Apache-2.0

-- Lists by name.

-- +goose Up

-- What is compared is COLLATE "C"; there lower() knows of ASCII letters alone, as in SQLite.
ALTER TABLE keys ALTER COLUMN name TYPE TEXT COLLATE "C", ALTER COLUMN prefix TYPE TEXT COLLATE "C";
ALTER TABLE projects ALTER COLUMN name TYPE TEXT COLLATE "C";

CREATE INDEX keys_by_name ON keys (lower(name), name, id);
CREATE INDEX keys_by_user_and_name ON keys (user_id, lower(name), name, id);
CREATE INDEX projects_by_name ON projects (lower(name), name, id);
CREATE INDEX projects_by_owner_and_name ON projects (owner_id, lower(name), name, id);
