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
		_, first, err := queryOne(ctx, t, column[string],
			"UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING id", c.At.UnixMicro(), id)
		if err != nil {
			return err
		}
		if revoked.Key, err = keyByID(ctx, t, id); err != nil {
			return err
		}
		revoked.Already = !first
		return t.record(ctx, entry{authz.KeyRevoke, id, alreadyText(revoked.Already)})
	})
	return orNothing(revoked, err)
}

// RevokeKeysOfUser revokes every key of the user that is not revoked.
func (s *Store) RevokeKeysOfUser(ctx context.Context, c authz.Change, userID string) (revoked authz.Counted, err error) {
	revoked.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		ids, err := query(ctx, t, column[string],
			"UPDATE keys SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL RETURNING id", c.At.UnixMicro(), userID)
		if err != nil {
			return err
		}
		revoked.N = len(ids)
		return t.recordEach(ctx, authz.KeyRevoke, ids)
	})
	return orNothing(revoked, err)
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
func (s *Store) RevokeSessionsOfUser(ctx context.Context, c authz.Change, userID string) (revoked authz.Counted, err error) {
	revoked.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		digests, err := query(ctx, t, column[[]byte],
			"UPDATE sessions SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL RETURNING digest",
			c.At.UnixMicro(), userID)
		if err != nil {
			return err
		}
		revoked.N = len(digests)
		subjects := make([]string, len(digests))
		for i, d := range digests {
			subjects[i] = hex.EncodeToString(d)
		}
		return t.recordEach(ctx, authz.SessionRevoke, subjects)
	})
	return orNothing(revoked, err)
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
