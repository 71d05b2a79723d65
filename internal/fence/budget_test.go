// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"testing"
	"time"
)

// So many at once, and so many a second; what exists gives its token back.
func TestBudget(t *testing.T) {
	t.Parallel()
	var b budget
	take := func(now time.Duration) (n int) {
		for b.tryTake(now) {
			n++
		}
		return n
	}
	now := time.Hour
	if n := take(now); n != unknownBurst {
		t.Errorf("%d at once, want %d", n, unknownBurst)
	}
	now += time.Second / 2
	if n := take(now); n != unknownRate/2 {
		t.Errorf("%d after half a second, want %d", n, unknownRate/2)
	}
	for range 3 {
		b.giveBack()
	}
	if n := take(now); n != 3 {
		t.Errorf("%d after three were given back", n)
	}
	now += time.Hour
	if n := take(now); n != unknownBurst {
		t.Errorf("%d after an hour, want %d", n, unknownBurst)
	}
}
