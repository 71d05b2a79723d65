// SPDX-License-Identifier: Apache-2.0

package history

import "time"

// The rules about what expires by itself.
const (
	// Expired: no call that begins after its subject has expired is allowed.
	Expired Rule = "allowed after it had expired"
	// Lasting: no replica that has allowed a subject denies it long before that expires.
	Lasting Rule = "denied long before it was to expire"
)

// An Expiry counts what shows that a run could have found something about what expires by itself.
type Expiry struct {
	Allowed int           // calls before it that were allowed
	Denied  int           // calls after it that were denied, by a replica that had allowed the same
	Ahead   time.Duration // how long before it a replica denied at the earliest what it had allowed
}

// JudgeExpiry judges calls about subjects that expire by themselves. A replica may be ahead of the time, but not by more than
// ahead says.
func JudgeExpiry(asks []Ask, ahead func(replica uint8) time.Duration, excuse Leniency) (violations []Violation, e Expiry) {
	first := firstAllowed(History{Asks: asks})
	for _, a := range asks {
		end, ok := first[place{a.Subject, a.Replica}]
		known := ok && a.Start > end
		switch {
		case a.Answer == Allowed && a.Start > a.Expires:
			violations = append(violations, Violation{Rule: Expired, Ask: a})
		case a.Answer == Allowed:
			e.Allowed++
		case a.Answer != Denied || !known:
		case a.Start > a.Expires:
			e.Denied++
		case !excuse.Diverged:
			e.Ahead = max(e.Ahead, a.Expires-a.End)
			if a.Expires-a.End > ahead(a.Replica) {
				violations = append(violations, Violation{Rule: Lasting, Ask: a})
			}
		}
	}
	return violations, e
}
