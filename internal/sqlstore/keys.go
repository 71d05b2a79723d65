// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aeroplane.run/authz"
)

// selectKeys reads whole keys, c.
var selectKeys = "SELECT " + wholeKey("c") + " FROM keys c"

// wholeKey are the columns of a key, and what is kept beside it. What an UPDATE returns SQLite knows by no other name than the table's.
func wholeKey(row string) string {
	return strings.ReplaceAll("$.id, $.name, $.prefix, $.user_id, $.access, $.all_projects, $.created_at, $.expires_at, $.revoked_at, "+
		"(SELECT u.last_used_at FROM key_use u WHERE u.key_id = $.id), ", "$", row) + selection(row)
}

func keyColumns(k *authz.Key) []any {
	return []any{&k.ID, &k.Name, &k.Prefix, &k.UserID, &k.Access, &k.Projects.All, stored(&k.CreatedAt), stored(&k.ExpiresAt),
		stored(&k.RevokedAt), stored(&k.LastUsedAt), idList{&k.Projects.IDs}}
}

// idList scans ids that are joined by commas, which no id holds.
type idList struct{ ids *[]string }

// Scan implements sql.Scanner.
func (l idList) Scan(v any) error {
	var text string
	if err := zero(&text).Scan(v); err != nil || text == "" {
		return err
	}
	*l.ids = strings.Split(text, ",")
	return nil
}

// Key returns a key, whatever its state.
func (s *Store) Key(ctx context.Context, id string) (key authz.Key, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		key, err = keyByID(ctx, s.db, id)
		return err
	})
	return key, err
}

func keyByID(ctx context.Context, q Querier, id string) (authz.Key, error) {
	key, ok, err := queryOne(ctx, q, keyColumns, selectKeys+" WHERE c.id = $1", id)
	if err == nil && !ok {
		err = authz.NoSuchKey()
	}
	return key, err
}

// KeyHead returns the head of a key, whatever its state.
func (s *Store) KeyHead(ctx context.Context, id string) (head authz.KeyHead, err error) {
	type row struct {
		user   string
		digest []byte
	}
	columns := func(r *row) []any { return []any{&r.user, &r.digest} }
	err = s.do(ctx, func(ctx context.Context) error {
		found, ok, err := queryOne(ctx, s.db, columns, "SELECT user_id, digest FROM keys WHERE id = $1", id)
		switch {
		case err != nil:
			return err
		case !ok:
			return authz.NoSuchKey()
		case len(found.digest) != len(head.Digest):
			return authz.Errorf(authz.Internal, "the digest of a key has %d bytes", len(found.digest))
		}
		head = authz.KeyHead{UserID: found.user, Digest: authz.Digest(found.digest)}
		return nil
	})
	return head, err
}

// Keys returns the keys that match, in the filter's order.
func (s *Store) Keys(ctx context.Context, f authz.KeyFilter, page authz.Page) (keys []authz.Key, err error) {
	text, values := s.dialect.keys(f, page)
	err = s.do(ctx, func(ctx context.Context) error {
		keys, err = query(ctx, s.db, keyColumns, text, values...)
		return err
	})
	return keys, err
}

// keys returns the statement of a page of keys.
func (d Dialect) keys(f authz.KeyFilter, page authz.Page) (text string, values []any) {
	var w filter
	w.and(w.states(f))
	if f.UserID != nil {
		w.equal("c.user_id", *f.UserID)
	}
	if len(f.IDs) > 0 {
		w.and("c.id IN " + w.in(f.IDs))
	}
	if f.ProjectID != "" {
		w.reaches(f.ProjectID)
	}
	if f.Access != 0 {
		w.and("c.access = " + w.bind(f.Access))
	}
	w.contains(d, f.Query, "c.name", "c.prefix", "c.id")
	order := "c.created_at DESC, c.id DESC"
	if f.Order == authz.ByName {
		order = byName("c")
	}
	switch after := page.After; {
	case after.IsZero():
	case f.Order == authz.ByName:
		w.afterName("c", after)
	default:
		w.and("(c.created_at, c.id) < " + w.row(after.At, after.ID))
	}
	text = selectKeys + w.where() + " ORDER BY " + order + " LIMIT " + w.bind(page.Size)
	return text, w.params
}

// states returns the condition that a key is in one of the states of f. It says what Key.State says.
func (w *filter) states(f authz.KeyFilter) string {
	either := []string{"1 = 0"}
	for _, state := range f.States {
		switch state {
		case authz.Live:
			either = append(either, "c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > "+w.bind(micros(f.Now))+")")
		case authz.Expired:
			either = append(either, "c.revoked_at IS NULL AND c.expires_at <= "+w.bind(micros(f.Now)))
		case authz.Revoked:
			either = append(either, "c.revoked_at IS NOT NULL")
		}
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

// reaches adds that a key reaches a project: it is known, it is the key's user's where the key has one, and the key is
// for all projects or has selected it.
func (w *filter) reaches(projectID string) {
	w.and("EXISTS (SELECT 1 FROM projects p WHERE p.id = " + w.bind(projectID) + " AND c.user_id IN ('', p.owner_id)" +
		" AND (c.all_projects OR EXISTS (SELECT 1 FROM key_projects kp WHERE kp.key_id = c.id AND kp.project_id = p.id)))")
}

// CreateKey stores a new key, or returns the one that an earlier call with its request id stored.
func (s *Store) CreateKey(ctx context.Context, c authz.Change, k authz.NewKey) (made authz.CreatedKey, err error) {
	made.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		earlier, taken, err := t.claim(ctx, k)
		if err != nil {
			return err
		}
		if made.Replayed = taken; taken {
			if made.Key, err = keyByID(ctx, t, earlier); authz.KindOf(err) == authz.NotFound {
				err = reused("the key that the request_id was used for is no longer kept")
			}
			return err
		}
		if !k.Projects.All {
			if err := t.checkSelection(ctx, k.UserID, k.Projects.IDs); err != nil {
				return err
			}
		}
		if err := t.insertKey(ctx, k); err != nil {
			return err
		}
		if err := t.record(ctx, entry{authz.KeyCreate, k.ID, createDetails(k.Key)}); err != nil {
			return err
		}
		made.Key = k.Key
		made.Key.Projects.IDs = slices.Clone(k.Projects.IDs)
		return nil
	})
	return orNothing(made, err)
}

// orNothing keeps what a change came to from who is told of an error.
func orNothing[T any](outcome T, err error) (T, error) {
	if err != nil {
		var nothing T
		return nothing, err
	}
	return outcome, nil
}

// claim takes the request id for a new key, or returns the key of the call that took it before. Of two transactions with
// one request id the second waits here for the first.
func (t *tx) claim(ctx context.Context, k authz.NewKey) (earlier string, taken bool, err error) {
	if k.RequestID == "" {
		return "", false, nil
	}
	_, claimed, err := queryOne(ctx, t, column[string], `INSERT INTO requests (request_id, fingerprint, key_id, at)
		VALUES ($1, $2, $3, $4) ON CONFLICT (request_id) DO NOTHING RETURNING key_id`,
		k.RequestID, k.Fingerprint[:], k.ID, t.change.At.UnixMicro())
	if err != nil || claimed {
		return "", false, err
	}
	type request struct {
		fingerprint []byte
		keyID       string
	}
	first, ok, err := queryOne(ctx, t, func(r *request) []any { return []any{&r.fingerprint, &r.keyID} },
		"SELECT fingerprint, key_id FROM requests WHERE request_id = $1", k.RequestID)
	switch {
	case err != nil:
		return "", false, err
	case !ok:
		return "", false, authz.Errorf(authz.Unavailable, "the request_id was just being forgotten; repeat the call")
	case string(first.fingerprint) != string(k.Fingerprint[:]):
		return "", false, reused("the request_id was used for another request")
	}
	return first.keyID, true, nil
}

func reused(message string) error {
	return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeRequestIDReused, Message: message}
}

// checkSelection checks that every project is known and, where the key has a user, that user's.
func (t *tx) checkSelection(ctx context.Context, userID string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var p params
	text := "SELECT id FROM projects WHERE id IN " + p.in(ids)
	if userID != "" {
		text += " AND owner_id = " + p.bind(userID)
	}
	known, err := query(ctx, t, column[string], text, p...)
	if err != nil {
		return err
	}
	slices.Sort(known)
	var wrong []authz.Violation
	for _, id := range ids {
		if _, ok := slices.BinarySearch(known, id); !ok {
			wrong = append(wrong, authz.Violation{
				Field:       "projects.project_ids",
				Description: fmt.Sprintf("must be known projects, and the user's where the key has one: %q is none", id),
			})
		}
	}
	if wrong == nil {
		return nil
	}
	return authz.InvalidFields(wrong...)
}

func (t *tx) insertKey(ctx context.Context, k authz.NewKey) error {
	_, err := t.ExecContext(ctx, `INSERT INTO keys
		(id, digest, name, prefix, user_id, access, all_projects, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.ID, k.Digest[:], k.Name, k.Prefix, k.UserID, k.Access, k.Projects.All, micros(k.CreatedAt), micros(k.ExpiresAt))
	if err != nil || k.Projects.All {
		return err
	}
	for ids := range slices.Chunk(k.Projects.IDs, chunk) {
		var p params
		text := "INSERT INTO key_projects (key_id, project_id) VALUES " +
			rows(&p, ids, func(id string) []any { return []any{k.ID, id} })
		if _, err := t.ExecContext(ctx, text, p...); err != nil {
			return err
		}
	}
	return nil
}

func createDetails(k authz.Key) map[string]string {
	projects := "all"
	if !k.Projects.All {
		projects = strings.Join(k.Projects.IDs, ",")
	}
	return map[string]string{
		"name": k.Name, "user_id": k.UserID, "access_level": k.Access.String(),
		"projects": projects, "expire_time": timeText(k.ExpiresAt),
	}
}
