// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"
	"time"
)

// What is stored as zero is a time like others, and not that which never comes.
func TestInstant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at     time.Time
		want   Instant
		before time.Time // a key that expires at is live
	}{
		{time.Time{}, Never, noon},
		{time.UnixMicro(0), -1, time.UnixMicro(-2)},
		{time.UnixMicro(1), 1, time.UnixMicro(0)},
		{time.UnixMicro(-1), -1, time.UnixMicro(-2)},
		{noon, Instant(noon.UnixMicro()), noon.Add(-time.Nanosecond)},
	} {
		k := Key{ExpiresAt: c.at}
		if got := InstantOf(c.at); got != c.want {
			t.Errorf("%v is %d, want %d", c.at, got, c.want)
		}
		if state := k.State(c.before); state != Live {
			t.Errorf("%v: %v before", c.at, state)
		}
		if state := k.Record().State(c.at); !c.at.IsZero() && state != Expired {
			t.Errorf("%v: %v then", c.at, state)
		}
	}
}
