// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"aeroplane.run/authz/resolver"
)

// now is the time that the decision was made by.
func (s *story) now() time.Time { return s.facts.Now }

// until says how much longer a credential is good.
func (s *story) until(end Instant) string {
	if end == Never {
		return "does not expire"
	}
	return "expires on " + s.when(end.Time())
}

// when tells a time, and how far it is from now.
func (s *story) when(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04 UTC") + ", " + distance(t.Sub(s.now()))
}

func (s *story) expiredKey() (string, []string) {
	return "the key expired on " + s.when(s.caller.Key.Expires.Time()),
		[]string{"create another key: what expired stays so"}
}

// revokedKey tells the time if it is known: what decisions are made from does not hold it.
func (s *story) revokedKey() (string, []string) {
	remedies := []string{"create another key: what was revoked stays so"}
	if at := s.key.RevokedAt; !at.IsZero() {
		return "the key was revoked on " + s.when(at), remedies
	}
	return "the key was revoked a moment ago", remedies
}

func (s *story) nobody() (string, []string) {
	if s.route.Who == resolver.Any {
		return "there is neither a key nor a session", []string{
			"send a key, as Authorization: Bearer or as X-API-Key, or log in"}
	}
	return "there is no session", []string{"log in: the row is for browser sessions, and keys cannot call this"}
}

func (s *story) noSession() (string, []string) {
	again := "log in again"
	switch session := s.caller.Session; {
	case session == nil:
		return "the session is not known", []string{again, "if that does not help, see whether this service is told of sessions"}
	case !session.RevokedAt.IsZero():
		return "the session was ended on " + s.when(session.RevokedAt), []string{again}
	default:
		return "the session expired on " + s.when(session.ExpiresAt), []string{again}
	}
}

func (s *story) readOnly() (string, []string) {
	return "the key may read, and " + s.request.Method + " writes",
		[]string{"create a key with read and write access: a key's access cannot be changed"}
}
