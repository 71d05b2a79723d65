// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"
	"slices"

	"aeroplane.run/authz"
)

// RevokeKey revokes a key.
func (s *Store) RevokeKey(ctx context.Context, c authz.Change, id string) (revoked authz.RevokedKey, err error) {
	revoked.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		key, first, err := queryOne(ctx, t, keyColumns,
			"UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING "+wholeKey("keys"), c.At.UnixMicro(), id)
		if err == nil && !first {
			key, err = keyByID(ctx, t, id)
		}
		if err != nil {
			return err
		}
		revoked.Key, revoked.Already = key, !first
		return t.record(ctx, entry{authz.KeyRevoke, id, alreadyText(revoked.Already)})
	})
	return orNothing(revoked, err)
}

// RevokeKeysOfUser revokes every key of the user that is not revoked.
func (s *Store) RevokeKeysOfUser(ctx context.Context, c authz.Change, userID string) (authz.Counted, error) {
	return inPieces(func() (authz.Counted, error) {
		return revokeSome(ctx, s, c, authz.KeyRevoke, column[string], func(id string) string { return id },
			"UPDATE keys SET revoked_at = $1 WHERE id IN (SELECT id FROM keys WHERE user_id = $2 AND revoked_at IS NULL"+
				" ORDER BY id LIMIT $3 "+s.dialect.Lock+") RETURNING id", userID)
	})
}

// RevokeSession revokes a session, like RevokeKey.
func (s *Store) RevokeSession(ctx context.Context, c authz.Change, d authz.Digest) (revoked authz.RevokedSession, err error) {
	revoked.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		_, first, err := queryOne(ctx, t, column[[]byte],
			"UPDATE sessions SET revoked_at = $1 WHERE digest = $2 AND revoked_at IS NULL RETURNING digest",
			c.At.UnixMicro(), d[:])
		if err != nil {
			return err
		}
		if !first {
			_, known, err := queryOne(ctx, t, column[[]byte], "SELECT digest FROM sessions WHERE digest = $1", d[:])
			if err != nil {
				return err
			}
			if !known {
				return authz.Errorf(authz.NotFound, "there is no such session")
			}
		}
		revoked.Already = !first
		return t.record(ctx, entry{authz.SessionRevoke, hex.EncodeToString(d[:]), alreadyText(revoked.Already)})
	})
	return orNothing(revoked, err)
}

// RevokeSessionsOfUser revokes every session of the user that is not revoked.
func (s *Store) RevokeSessionsOfUser(ctx context.Context, c authz.Change, userID string) (authz.Counted, error) {
	return inPieces(func() (authz.Counted, error) {
		return revokeSome(ctx, s, c, authz.SessionRevoke, column[[]byte], hex.EncodeToString,
			"UPDATE sessions SET revoked_at = $1 WHERE digest IN (SELECT digest FROM sessions WHERE user_id = $2 AND revoked_at IS NULL"+
				" ORDER BY digest LIMIT $3 "+s.dialect.Lock+") RETURNING digest", userID)
	})
}

// revokeSome revokes what the statement finds of a user, authz.MaxBatch at most, in one transaction. Who else does the same
// meanwhile is waited for, and then others are found.
func revokeSome[T any](ctx context.Context, s *Store, c authz.Change, action authz.Action, scan func(*T) []any, subject func(T) string,
	text, userID string) (revoked authz.Counted, err error) {
	revoked.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		found, err := query(ctx, t, scan, text, c.At.UnixMicro(), userID, authz.MaxBatch)
		if err != nil {
			return err
		}
		revoked.N = len(found)
		subjects := make([]string, len(found))
		for i, f := range found {
			subjects[i] = subject(f)
		}
		return t.recordEach(ctx, action, subjects)
	})
	return orNothing(revoked, err)
}

// inPieces makes a change by transactions of at most authz.MaxBatch rows, so that no other change waits for long, until there is
// nothing more to be done. The last has the receipt: by the time that it is in force, so are those before.
func inPieces(piece func() (authz.Counted, error)) (all authz.Counted, err error) {
	for {
		some, err := piece()
		if err != nil {
			return authz.Counted{}, err
		}
		all.N, all.Receipt = all.N+some.N, some.Receipt
		if some.N < authz.MaxBatch {
			return all, nil
		}
	}
}

// recordEach writes a record without details for each subject.
func (t *tx) recordEach(ctx context.Context, action authz.Action, subjects []string) error {
	slices.Sort(subjects)
	entries := make([]entry, len(subjects))
	for i, subject := range subjects {
		entries[i] = entry{action: action, subject: subject}
	}
	return t.record(ctx, entries...)
}
