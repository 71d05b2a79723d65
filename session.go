// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"aeroplane.run/authz/internal/apikey"
)

// A Digest is the SHA-256 of a key or of a session's token.
type Digest = apikey.Digest

// A Session is a browser session, as Aeroplane told us of it. Its token is not on record.
type Session struct {
	Digest    Digest
	UserID    string // empty in a single-user installation
	Role      Role
	ExpiresAt time.Time
	RevokedAt time.Time // zero: not revoked
}

// Live reports whether the session is good at an instant. At the instant of expiry it is over.
func (s *Session) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt)
}
