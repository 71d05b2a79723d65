// SPDX-License-Identifier: Apache-2.0

package fence

import "time"

// A monotonicClock is Go's. It stands still in a suspend, which matters to leases alone.
type monotonicClock struct{ base time.Time }

// Boot implements Clock.
func (c monotonicClock) Boot() time.Duration { return time.Since(c.base) }
