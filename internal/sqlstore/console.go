// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"errors"

	"aeroplane.run/authz"
)

// PutConsoleCode stores a code.
func (s *Store) PutConsoleCode(ctx context.Context, c authz.Change, code authz.ConsoleSession) error {
	_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error { return t.putConsole(ctx, code, true, authz.ConsoleLink) })
	return err
}

// OpenConsole exchanges a code for a session.
func (s *Store) OpenConsole(ctx context.Context, c authz.Change, code authz.Digest, opened authz.ConsoleSession) (authz.ConsoleSession, error) {
	_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error {
		found, ok, err := queryOne(ctx, t, consoleRow,
			"DELETE FROM console_sessions WHERE digest = $1 AND code AND expires_at > $2 RETURNING "+consoleColumns, code[:], c.At.UnixMicro())
		if err != nil {
			return err
		} else if !ok {
			return authz.NoConsoleSession()
		}
		opened.TokenName, opened.TokenDigest = found.TokenName, found.TokenDigest
		t.change.Actor.TokenName = found.TokenName
		return t.putConsole(ctx, opened, false, authz.ConsoleOpen)
	})
	return orNothing(opened, err)
}

// putConsole stores a code or a session, and records that.
func (t *tx) putConsole(ctx context.Context, s authz.ConsoleSession, code bool, action authz.Action) error {
	_, err := t.ExecContext(ctx, "INSERT INTO console_sessions ("+consoleColumns+", code) VALUES ($1, $2, $3, $4, $5)",
		s.Digest[:], s.TokenName, s.TokenDigest[:], s.ExpiresAt.UnixMicro(), code)
	if err != nil {
		return err
	}
	return t.record(ctx, entry{action: action, details: map[string]string{"expire_time": timeText(s.ExpiresAt)}})
}

const consoleColumns = "digest, token_name, token_digest, expires_at"

func consoleRow(c *authz.ConsoleSession) []any {
	return []any{digest{&c.Digest}, &c.TokenName, digest{&c.TokenDigest}, stored(&c.ExpiresAt)}
}

// ConsoleSession returns a session.
func (s *Store) ConsoleSession(ctx context.Context, d authz.Digest) (found authz.ConsoleSession, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		var ok bool
		found, ok, err = queryOne(ctx, s.db, consoleRow, "SELECT "+consoleColumns+" FROM console_sessions WHERE digest = $1 AND NOT code", d[:])
		if err == nil && !ok {
			err = authz.NoConsoleSession()
		}
		return err
	})
	return found, err
}

// EndConsole deletes a session.
func (s *Store) EndConsole(ctx context.Context, c authz.Change, d authz.Digest) error {
	_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error {
		ended, ok, err := queryOne(ctx, t, consoleRow, "DELETE FROM console_sessions WHERE digest = $1 AND NOT code RETURNING "+consoleColumns, d[:])
		if err != nil {
			return err
		} else if !ok {
			return errNothing
		}
		t.change.Actor.TokenName = ended.TokenName
		return t.record(ctx, entry{action: authz.ConsoleClose})
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}
