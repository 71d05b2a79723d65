// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"

	"aeroplane.run/authz/internal/apikey"
)

// A Digest is the SHA-256 of a key or of a session's token.
type Digest = apikey.Digest

// A Session is a browser session, as Aeroplane told us of it. Its token is not on record.
type Session struct {
	Digest    Digest
	UserID    string // empty in a single-user installation
	Role      UserRole
	ExpiresAt time.Time
	RevokedAt time.Time // zero: not revoked
}

// Live reports whether the session is good at an instant. At the instant of expiry it is over.
func (s *Session) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt)
}

// Sessions makes Aeroplane's browser sessions known, and ends them.
type Sessions struct {
	Store SessionStore
	Now   func() time.Time
}

// Put makes a session known or replaces what is known of it. Errors: Invalid; FailedPrecondition if it was revoked.
func (s *Sessions) Put(ctx context.Context, a Actor, session Session) (Session, Receipt, error) {
	var v violations
	checkSession(&v, "session", session)
	if err := v.err(); err != nil {
		return Session{}, Receipt{}, err
	}
	session.ExpiresAt, session.RevokedAt = stamp(session.ExpiresAt), time.Time{}
	receipt, err := s.Store.PutSession(ctx, Change{Actor: a, At: stamp(s.Now())}, session)
	return session, receipt, err
}

// Revoke ends a session for good. Errors: NotFound.
func (s *Sessions) Revoke(ctx context.Context, a Actor, d Digest) (RevokedSession, error) {
	return s.Store.RevokeSession(ctx, Change{Actor: a, At: stamp(s.Now())}, d)
}

// RevokeOfUser ends every session of a user. Errors: Invalid.
func (s *Sessions) RevokeOfUser(ctx context.Context, a Actor, userID string) (Counted, error) {
	if err := checkOneUser("user_id", userID, required); err != nil {
		return Counted{}, err
	}
	return s.Store.RevokeSessionsOfUser(ctx, Change{Actor: a, At: stamp(s.Now())}, userID)
}
