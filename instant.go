// SPDX-License-Identifier: Apache-2.0

package authz

import "time"

// An Instant is a time that may never come, in microseconds since 1970, which takes a third of the room of a time.Time. Never is
// that of a key which does not expire.
type Instant int64

// Never is the zero Instant, so that what stores have of 1970, to the microsecond, is a microsecond before.
const Never Instant = 0

// InstantOf returns a time as an Instant. The zero time never comes.
func InstantOf(t time.Time) Instant {
	if t.IsZero() {
		return Never
	}
	return InstantAt(t.UnixMicro())
}

// InstantAt returns the Instant of microseconds since 1970.
func InstantAt(micros int64) Instant {
	if micros == 0 {
		return -1
	}
	return Instant(micros)
}

// Time returns the time of an Instant that comes.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }
