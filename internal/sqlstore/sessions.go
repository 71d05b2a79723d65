// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"

	"aeroplane.run/authz"
)

// PutSession stores or replaces a session. One that was revoked stays so.
func (s *Store) PutSession(ctx context.Context, c authz.Change, put authz.Session) (authz.Receipt, error) {
	return s.change(ctx, c, func(ctx context.Context, t *tx) error {
		_, changed, err := queryOne(ctx, t, column[[]byte], `
			INSERT INTO sessions (digest, user_id, role, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (digest) DO UPDATE
				SET user_id = excluded.user_id, role = excluded.role, expires_at = excluded.expires_at
				WHERE sessions.revoked_at IS NULL AND (sessions.user_id, sessions.role, sessions.expires_at)
					<> (excluded.user_id, excluded.role, excluded.expires_at)
			RETURNING digest`,
			put.Digest[:], put.UserID, put.Role, put.ExpiresAt.UnixMicro())
		if err != nil {
			return err
		}
		if changed {
			return t.record(ctx, entry{authz.SessionPut, hex.EncodeToString(put.Digest[:]), map[string]string{
				"user_id": put.UserID, "role": put.Role.String(), "expire_time": timeText(put.ExpiresAt),
			}})
		}
		_, revoked, err := queryOne(ctx, t, column[[]byte],
			"SELECT digest FROM sessions WHERE digest = $1 AND revoked_at IS NOT NULL", put.Digest[:])
		if err == nil && revoked {
			err = &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeSessionRevoked,
				Message: "the session was revoked, and stays so"}
		}
		return err
	})
}
