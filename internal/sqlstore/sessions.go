// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"aeroplane.run/authz"
)

// PutSession stores or replaces a session. One that was revoked stays so.
func (s *Store) PutSession(ctx context.Context, c authz.Change, put authz.Session) (authz.Receipt, error) {
	return s.change(ctx, c, func(ctx context.Context, t *tx) error {
		if changed, err := t.putSessions(ctx, []authz.Session{put}, false); err != nil || changed > 0 {
			return err
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

// putSessions stores or replaces sessions that were not revoked, and returns how many were new or different. Once one is synced
// it remains so, whoever puts it. Of one that was revoked it notes until when it would live: retention forgets it only then, or it would
// come back.
func (t *tx) putSessions(ctx context.Context, put []authz.Session, synced bool) (n int, err error) {
	if len(put) == 0 {
		return 0, nil
	}
	put = slices.SortedFunc(slices.Values(put), func(a, b authz.Session) int { return slices.Compare(a.Digest[:], b.Digest[:]) })
	var p params
	changed, err := query(ctx, t, sessionRow,
		`INSERT INTO sessions (digest, user_id, role, expires_at, synced) VALUES `+
			rows(&p, put, func(s authz.Session) []any {
				return []any{s.Digest[:], s.UserID, s.Role, s.ExpiresAt.UnixMicro(), synced}
			})+`
		ON CONFLICT (digest) DO UPDATE SET user_id = excluded.user_id, role = excluded.role, expires_at = excluded.expires_at,
			synced = sessions.synced OR excluded.synced
		WHERE (sessions.revoked_at IS NULL OR sessions.expires_at < excluded.expires_at)
			AND (sessions.user_id, sessions.role, sessions.expires_at, sessions.synced)
				<> (excluded.user_id, excluded.role, excluded.expires_at, sessions.synced OR excluded.synced)
		RETURNING digest, user_id, role, expires_at, revoked_at`, p...)
	if err != nil {
		return 0, err
	}
	var entries []entry
	for _, s := range changed {
		if !s.RevokedAt.IsZero() {
			continue
		}
		entries = append(entries, entry{authz.SessionPut, hex.EncodeToString(s.Digest[:]), map[string]string{
			"user_id": s.UserID, "role": s.Role.String(), "expire_time": timeText(s.ExpiresAt),
		}})
	}
	return len(entries), t.record(ctx, entries...)
}

// ForeignSessions returns the sessions that Sync has put, by digest.
func (s *Store) ForeignSessions(ctx context.Context, page authz.Page) (all []authz.Session, err error) {
	w := filter{conditions: []string{"synced"}}
	if !page.After.IsZero() {
		w.and("digest > " + w.bind([]byte(page.After.ID)))
	}
	text := "SELECT digest, user_id, role, expires_at, revoked_at FROM sessions" + w.where() + " ORDER BY digest LIMIT " + w.bind(page.Size)
	err = s.do(ctx, func(ctx context.Context) error {
		all, err = query(ctx, s.db, sessionRow, text, w.params...)
		return err
	})
	return all, err
}

func sessionRow(s *authz.Session) []any {
	return []any{digest{&s.Digest}, &s.UserID, &s.Role, stored(&s.ExpiresAt), stored(&s.RevokedAt)}
}

// digest scans a digest.
type digest struct{ d *authz.Digest }

// Scan implements sql.Scanner.
func (d digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(d.d) {
		return errors.New("a digest is stored that has not 32 bytes")
	}
	*d.d = authz.Digest(b)
	return nil
}
