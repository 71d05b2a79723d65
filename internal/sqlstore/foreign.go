// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"slices"
	"strings"

	"aeroplane.run/authz"
)

// ForeignKeys returns the keys that Sync has put, by id.
func (s *Store) ForeignKeys(ctx context.Context, page authz.Page) (all []authz.ForeignKey, err error) {
	w := filter{conditions: []string{"c.synced"}}
	if !page.After.IsZero() {
		w.and("c.id > " + w.bind(page.After.ID))
	}
	text := "SELECT c.digest, " + wholeKey("c") + " FROM keys c" + w.where() + " ORDER BY c.id LIMIT " + w.bind(page.Size)
	err = s.do(ctx, func(ctx context.Context) error {
		all, err = query(ctx, s.db, func(k *authz.ForeignKey) []any { return append([]any{digest{&k.Digest}}, keyColumns(&k.Key)...) },
			text, w.params...)
		return err
	})
	return all, err
}

// A holder is a key that holds an id and a digest.
type holder struct {
	id      string
	digest  authz.Digest
	synced  bool
	revoked bool
}

// putForeignKeys stores keys that are new, and replaces what is known of others. One that has another secret than it had is another key,
// which nobody has vouched for, and what it was is revoked. It leaves alone what is revoked, and what
// another key holds: whoever can write to Aeroplane's file gets no key of ours by giving its id or secret to one of Aeroplane's.
func (t *tx) putForeignKeys(ctx context.Context, put []authz.ForeignKey) (n int, err error) {
	if len(put) == 0 {
		return 0, nil
	}
	put = slices.SortedFunc(slices.Values(put), func(a, b authz.ForeignKey) int { return strings.Compare(a.ID, b.ID) })
	holders, err := t.holders(ctx, put)
	if err != nil {
		return 0, err
	}
	byID, byDigest := make(map[string]holder), make(map[authz.Digest]holder)
	for _, h := range holders {
		byID[h.id], byDigest[h.digest] = h, h
	}
	var fresh, known []authz.ForeignKey
	var replaced []string
	for _, k := range put {
		same, there := byID[k.ID]
		other, taken := byDigest[k.Digest]
		switch {
		case taken && other.id != k.ID: // its secret is another's
		case !there:
			fresh = append(fresh, k)
		case !same.synced || same.revoked:
		case same.digest != k.Digest:
			replaced = append(replaced, k.ID)
		default:
			known = append(known, k)
		}
	}
	ended, err := t.endKeys(ctx, replaced, "revoked_at", t.change.At, authz.KeyRevoke)
	if err != nil {
		return 0, err
	}
	if err := t.insertForeignKeys(ctx, fresh); err != nil {
		return 0, err
	}
	for i := range known {
		if err := t.updateForeignKey(ctx, &known[i]); err != nil {
			return 0, err
		}
	}
	done := append(fresh, known...)
	if err := t.addSelections(ctx, done); err != nil {
		return 0, err
	}
	if err := t.dropSelections(ctx, known); err != nil {
		return 0, err
	}
	if err := t.noteForeignUses(ctx, done); err != nil {
		return 0, err
	}
	entries := make([]entry, len(done))
	for i, k := range done {
		entries[i] = entry{authz.KeyImport, k.ID, createDetails(k.Key)}
	}
	return ended + len(done), t.record(ctx, entries...)
}

// holders locks and returns the keys that hold an id or a digest of others.
func (t *tx) holders(ctx context.Context, of []authz.ForeignKey) ([]holder, error) {
	var p params
	ids, digests := make([]string, len(of)), make([]any, len(of))
	for i := range of {
		ids[i], digests[i] = of[i].ID, of[i].Digest[:]
	}
	return query(ctx, t, func(h *holder) []any { return []any{&h.id, digest{&h.digest}, &h.synced, &h.revoked} },
		"SELECT id, digest, synced, revoked_at IS NOT NULL FROM keys WHERE id IN "+p.in(ids)+" OR digest IN "+p.row(digests...)+
			" ORDER BY id "+t.dialect.Lock, p...)
}

func (t *tx) insertForeignKeys(ctx context.Context, keys []authz.ForeignKey) error {
	for some := range byRows(keys, 11) {
		var p params
		_, err := t.ExecContext(ctx, `INSERT INTO keys
			(id, digest, name, prefix, user_id, access, all_projects, created_at, expires_at, revoked_at, synced) VALUES `+
			rows(&p, some, func(k authz.ForeignKey) []any {
				return []any{k.ID, k.Digest[:], k.Name, k.Prefix, k.UserID, k.Access, k.Projects.All, micros(k.CreatedAt), micros(k.ExpiresAt),
					micros(k.RevokedAt), true}
			}), p...)
		if err != nil {
			return err
		}
	}
	return nil
}

// updateForeignKey replaces what is known of a key but its selection.
func (t *tx) updateForeignKey(ctx context.Context, k *authz.ForeignKey) error {
	_, err := t.ExecContext(ctx, `UPDATE keys SET name = $1, prefix = $2, user_id = $3, access = $4, all_projects = $5, expires_at = $6
		WHERE id = $7`, k.Name, k.Prefix, k.UserID, k.Access, k.Projects.All, micros(k.ExpiresAt), k.ID)
	return err
}

// dropSelections takes away what keys select no more. It comes after addSelections, which waits for projects that are being deleted:
// whoever deletes one waits for what is dropped here.
func (t *tx) dropSelections(ctx context.Context, keys []authz.ForeignKey) error {
	for _, k := range keys {
		var p params
		text := "DELETE FROM key_projects WHERE key_id = " + p.bind(k.ID)
		if len(k.Projects.IDs) > 0 {
			text += " AND project_id NOT IN " + p.in(k.Projects.IDs)
		}
		if _, err := t.ExecContext(ctx, text, p...); err != nil {
			return err
		}
	}
	return nil
}

// noteForeignUses notes when keys were used last, as far as that has been: a time to come would hide every use until then.
func (t *tx) noteForeignUses(ctx context.Context, keys []authz.ForeignKey) error {
	var uses []authz.KeyUse
	for _, k := range keys {
		if !k.LastUsedAt.IsZero() && !k.LastUsedAt.After(t.change.At) {
			uses = append(uses, authz.KeyUse{KeyID: k.ID, At: k.LastUsedAt})
		}
	}
	for some := range slices.Chunk(uses, chunk) {
		text, args := noteUses(some)
		if _, err := t.ExecContext(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// addSelections adds what keys select and have not selected yet. What is not known cannot be selected.
func (t *tx) addSelections(ctx context.Context, keys []authz.ForeignKey) error {
	type selected struct{ key, project string }
	var all []selected
	for _, k := range keys {
		for _, id := range k.Projects.IDs {
			all = append(all, selected{k.ID, id})
		}
	}
	// By project: each is waited for that is being deleted.
	slices.SortStableFunc(all, func(a, b selected) int { return strings.Compare(a.project, b.project) })
	for some := range slices.Chunk(all, chunk) {
		var p params
		_, err := t.ExecContext(ctx, "INSERT INTO key_projects (key_id, project_id) SELECT v.column1, v.column2 FROM (VALUES "+
			rows(&p, some, func(s selected) []any { return []any{s.key, s.project} })+`) AS v
			WHERE EXISTS (SELECT 1 FROM projects p WHERE p.id = v.column2) ON CONFLICT DO NOTHING`, p...)
		if err != nil {
			return err
		}
	}
	return nil
}
