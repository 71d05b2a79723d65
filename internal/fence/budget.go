// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync"
	"time"
)

// Anybody can make up any number of well-formed keys, and whoever has one any number of ids. Each costs one read of the database
// to find that it is unknown, and those reads are rationed, so that they cannot drown the database, and with it the rounds and
// the changes. What exists does not use the ration up. What was there within the hour does not even need it; what was not has to
// stand in line with what is made up.
const (
	unknownBurst = 2000
	unknownRate  = 1000 // a second
	rationWait   = 200 * time.Millisecond
)

// A budget is a token bucket that is full at first.
type budget struct {
	mu   sync.Mutex
	used float64       // guarded by mu, as at
	at   time.Duration // when used was reckoned
}

// take takes a token, and waits a moment for one. It reports false if there is none.
func (b *budget) take(ctx context.Context, clock Clock) bool {
	for range 2 {
		if b.tryTake(clock.Boot()) {
			return true
		}
		pause(ctx, rationWait)
		step("ration: waited for")
	}
	return b.tryTake(clock.Boot())
}

func (b *budget) tryTake(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = max(0, b.used-(now-b.at).Seconds()*unknownRate)
	b.at = now
	if b.used >= unknownBurst {
		return false
	}
	b.used++
	return true
}

// giveBack returns a token that was not needed.
func (b *budget) giveBack() {
	b.mu.Lock()
	b.used = max(0, b.used-1)
	b.mu.Unlock()
}
