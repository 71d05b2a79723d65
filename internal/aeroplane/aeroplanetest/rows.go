// SPDX-License-Identifier: Apache-2.0

package aeroplanetest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// orNull is NULL for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// ISO writes a time as Aeroplane does. The zero time is NULL.
func ISO(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// HashOf is how Aeroplane keeps a key or a cookie's value.
func HashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// random returns n characters of base64url.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

func (a *Aeroplane) next(kind string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	return fmt.Sprintf("%s-%d-%s", kind, a.serial, random(6))
}

// User makes a user, whose role is "owner" or "user".
func (a *Aeroplane) User(id, role string) {
	a.Exec("INSERT INTO users (id, name, email, role) VALUES ($1, $1, $1 || '@example.org', $2)", id, role)
}

// Project makes a project. Empty owner: it is nobody's.
func (a *Aeroplane) Project(id, owner, slug string) {
	a.Exec("INSERT INTO project_groups (id, owner_user_id, name, slug) VALUES ($1, $2, 'Project ' || $3, $3)", id, orNull(owner), slug)
}

// Service makes a service in a project.
func (a *Aeroplane) Service(id, project string) {
	a.Exec("INSERT INTO projects (id, project_group_id, name, slug) VALUES ($1, $2, $1, $1)", id, orNull(project))
}

// Deployment makes a deployment of a service.
func (a *Aeroplane) Deployment(id, service string) {
	a.Exec("INSERT INTO deployments (id, project_id) VALUES ($1, $2)", id, service)
}

// Move puts a service into another project.
func (a *Aeroplane) Move(service, project string) {
	a.Exec("UPDATE projects SET project_group_id = $2 WHERE id = $1", service, project)
}

// Delete deletes a row of a table, and what hangs on it.
func (a *Aeroplane) Delete(table, id string) { a.Exec("DELETE FROM "+table+" WHERE id = $1", id) }

// Session makes a session, and returns the value of its cookie. Empty user: it is nobody's.
func (a *Aeroplane) Session(id, user string, expires time.Time) (token string) {
	token = random(43)
	a.Exec("INSERT INTO auth_sessions (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, $4)",
		id, orNull(user), HashOf(token), ISO(expires))
	return token
}

// EndSession ends a session, as logging out does.
func (a *Aeroplane) EndSession(id string) { a.Delete("auth_sessions", id) }

// A Key says what key to make.
type Key struct {
	ID       string // empty: one is made
	User     string // empty: nobody
	Access   string // empty: read
	Selected bool   // only what is in Projects
	Projects []string
	Expires  time.Time // zero: never
}

// Key makes a key, and returns its id and the key.
func (a *Aeroplane) Key(k Key) (id, key string) {
	if k.ID == "" {
		k.ID = a.next("key")
	}
	if k.Access == "" {
		k.Access = "read"
	}
	scope := "all"
	if k.Selected {
		scope = "selected"
	}
	shown := "ap_" + random(8)
	key = shown + "_" + random(43)
	statements := []statement{{`INSERT INTO api_keys (id, name, token_hash, token_prefix, access_level, project_scope, created_by_user_id,
		created_at, updated_at, expires_at) VALUES ($1, 'Key ' || $1, $2, $3, $4, $5, $6, $7, $7, $8)`,
		[]any{k.ID, HashOf(key), shown, k.Access, scope, orNull(k.User), ISO(time.Now()), ISO(k.Expires)}}}
	for _, project := range k.Projects {
		statements = append(statements, statement{"INSERT INTO api_key_project_scopes VALUES ($1, $2)", []any{k.ID, project}})
	}
	a.tx(statements...)
	return k.ID, key
}

// RevokeKey revokes a key.
func (a *Aeroplane) RevokeKey(id string) {
	a.Exec("UPDATE api_keys SET revoked_at = $2, updated_at = $2 WHERE id = $1", id, ISO(time.Now()))
}
