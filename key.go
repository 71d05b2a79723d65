// SPDX-License-Identifier: Apache-2.0

package authz

import "time"

// A Key is what is on record of an API key. The key itself is not.
//
// Times are UTC, to the microsecond, in every type of this package: all stores keep that much and no more.
type Key struct {
	ID     string
	Name   string
	Prefix string // what may be displayed to recognise the key by
	UserID string // whom it acts for; empty in a single-user installation
	Access Access
	// Projects is what the key reaches. A selected project that is deleted leaves it for good (5).
	Projects   ProjectScope
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	LastUsedAt time.Time // zero: never; may lag by a minute
}

// A KeyState is where a key is in its life.
type KeyState uint8

const (
	// Live keys are good.
	Live KeyState = iota + 1
	// Expired keys are over by time, and were not revoked before.
	Expired
	// Revoked keys were revoked, whenever they expire.
	Revoked
)

// State returns the state of the key at an instant.
func (k *Key) State(now time.Time) KeyState {
	return stateOf(!k.RevokedAt.IsZero(), InstantOf(k.ExpiresAt), now)
}

// stateOf is the one rule of a key's life. At the instant of expiry it is expired (4).
func stateOf(revoked bool, expires Instant, now time.Time) KeyState {
	switch {
	case revoked:
		return Revoked
	case expires != Never && now.UnixMicro() >= int64(expires):
		return Expired
	}
	return Live
}

// String returns "live", "expired" or "revoked".
func (s KeyState) String() string { return word(s, "", "live", "expired", "revoked") }

// NoSuchKey is the error for an id that no key has, or none that whoever asks may know of. It does not repeat the id: that may be a key,
// mistyped. Kind: NotFound.
func NoSuchKey() error { return Errorf(NotFound, "there is no key of this id") }
