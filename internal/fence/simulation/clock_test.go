// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"math/rand/v2"
	"time"
)

// A clock runs at a rate of its own, which may change, within a ninth of the right one. It never goes back. It implements
// fence.Clock: the boot clock of a machine, which runs on while the machine sleeps.
type clock struct {
	set  time.Time     // when it was noted what it says
	said time.Duration // what it said then
	rate int64         // of 72: 64 to 80
}

const rightRate = 72

func newClock(chance *rand.Rand) *clock {
	c := &clock{set: time.Now(), said: time.Duration(chance.Int64N(int64(time.Hour)))}
	c.drift(chance)
	return c
}

// drift gives the clock another rate. The extremes are the interesting ones.
func (c *clock) drift(chance *rand.Rand) {
	c.set, c.said = time.Now(), c.Boot()
	c.rate = [...]int64{64, 64, 72, 80, 80, 64 + chance.Int64N(17)}[chance.IntN(6)]
}

// Boot implements fence.Clock.
func (c *clock) Boot() time.Duration {
	return c.said + time.Duration(int64(time.Since(c.set))*c.rate/rightRate)
}

// slowest is the most of true time that passes while a clock says d.
func slowest(d time.Duration) time.Duration { return d * rightRate / 64 }
