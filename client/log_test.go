// SPDX-License-Identifier: Apache-2.0

package client

import (
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	var limit throttle
	at := time.Unix(1_800_000_000, 0)
	for i, c := range []struct {
		after  time.Duration
		passes bool
		others int64
	}{
		{0, true, 0}, {0, false, 0}, {900 * time.Millisecond, false, 0}, {100 * time.Millisecond, true, 2}, {time.Hour, true, 0},
	} {
		at = at.Add(c.after)
		if ok, others := limit.allow(at); ok != c.passes || others != c.others {
			t.Errorf("%d: %v, %d others", i, ok, others)
		}
	}
}
