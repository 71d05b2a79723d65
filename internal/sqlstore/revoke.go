// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"
	"slices"

	"aeroplane.run/authz"
)

// RevokeKey revokes a key. On one that is revoked it commits an audit record, so that what it answers rests on a commit
// of its own: the first call may not know how its own went.
func (s *Store) RevokeKey(ctx context.Context, c authz.Change, id string) (key authz.Key, already bool, err error) {
	err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		_, revoked, err := queryOne(ctx, t, column[string],
			"UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING id", c.At.UnixMicro(), id)
		if err != nil {
			return err
		}
		if key, err = keyByID(ctx, t, id); err != nil {
			return err
		}
		already = !revoked
		return t.record(ctx, entry{authz.KeyRevoke, id, alreadyText(already)})
	})
	if err != nil {
		return authz.Key{}, false, err
	}
	return key, already, nil
}

// RevokeKeysOfUser revokes every key of the user that is not revoked.
func (s *Store) RevokeKeysOfUser(ctx context.Context, c authz.Change, userID string) (n int, err error) {
	err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		ids, err := query(ctx, t, column[string],
			"UPDATE keys SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL RETURNING id", c.At.UnixMicro(), userID)
		if err != nil {
			return err
		}
		n = len(ids)
		return t.recordEach(ctx, authz.KeyRevoke, ids)
	})
	return counted(n, err)
}

// RevokeSession revokes a session, like RevokeKey.
func (s *Store) RevokeSession(ctx context.Context, c authz.Change, d authz.Digest) (already bool, err error) {
	err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		_, revoked, err := queryOne(ctx, t, column[[]byte],
			"UPDATE sessions SET revoked_at = $1 WHERE digest = $2 AND revoked_at IS NULL RETURNING digest",
			c.At.UnixMicro(), d[:])
		if err != nil {
			return err
		}
		if !revoked {
			_, known, err := queryOne(ctx, t, column[[]byte], "SELECT digest FROM sessions WHERE digest = $1", d[:])
			if err != nil {
				return err
			}
			if !known {
				return authz.Errorf(authz.NotFound, "there is no such session")
			}
		}
		already = !revoked
		return t.record(ctx, entry{authz.SessionRevoke, hex.EncodeToString(d[:]), alreadyText(already)})
	})
	return already && err == nil, err
}

// RevokeSessionsOfUser revokes every session of the user that is not revoked.
func (s *Store) RevokeSessionsOfUser(ctx context.Context, c authz.Change, userID string) (n int, err error) {
	err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		digests, err := query(ctx, t, column[[]byte],
			"UPDATE sessions SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL RETURNING digest",
			c.At.UnixMicro(), userID)
		if err != nil {
			return err
		}
		n = len(digests)
		subjects := make([]string, n)
		for i, d := range digests {
			subjects[i] = hex.EncodeToString(d)
		}
		return t.recordEach(ctx, authz.SessionRevoke, subjects)
	})
	return counted(n, err)
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

func counted(n int, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return n, nil
}
