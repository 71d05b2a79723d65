// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"

	"aeroplane.run/authz"
)

// PutConsoleCode stores a code.
func (s *Store) PutConsoleCode(ctx context.Context, c authz.Change, code authz.ConsoleSession) error {
	_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error { return t.putConsole(ctx, code, true) })
	return err
}

// OpenConsole exchanges a code for a session.
func (s *Store) OpenConsole(ctx context.Context, c authz.Change, code authz.Digest, opened authz.ConsoleSession) (string, error) {
	_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error {
		name, ok, err := queryOne(ctx, t, column[string],
			"DELETE FROM console_sessions WHERE digest = $1 AND code AND expires_at > $2 RETURNING token_name", code[:], c.At.UnixMicro())
		if err != nil {
			return err
		} else if !ok {
			return authz.NoConsoleSession()
		}
		opened.TokenName, t.change.Actor.TokenName = name, name
		if err := t.putConsole(ctx, opened, false); err != nil {
			return err
		}
		return t.record(ctx, entry{action: authz.ConsoleOpen, details: map[string]string{"expire_time": timeText(opened.ExpiresAt)}})
	})
	return opened.TokenName, err
}

func (t *tx) putConsole(ctx context.Context, s authz.ConsoleSession, code bool) error {
	_, err := t.ExecContext(ctx, "INSERT INTO console_sessions (digest, code, token_name, expires_at) VALUES ($1, $2, $3, $4)",
		s.Digest[:], code, s.TokenName, s.ExpiresAt.UnixMicro())
	return err
}

// ConsoleSession returns a session.
func (s *Store) ConsoleSession(ctx context.Context, d authz.Digest) (found authz.ConsoleSession, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		var ok bool
		found, ok, err = queryOne(ctx, s.db, func(c *authz.ConsoleSession) []any {
			return []any{digest{&c.Digest}, &c.TokenName, stored(&c.ExpiresAt)}
		}, "SELECT digest, token_name, expires_at FROM console_sessions WHERE digest = $1 AND NOT code", d[:])
		if err == nil && !ok {
			err = authz.NoConsoleSession()
		}
		return err
	})
	return found, err
}

// EndConsole deletes a session.
func (s *Store) EndConsole(ctx context.Context, d authz.Digest) error {
	return s.do(ctx, func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, "DELETE FROM console_sessions WHERE digest = $1", d[:])
		return err
	})
}
