// SPDX-License-Identifier: Apache-2.0

//go:build torture && !sim

package fence

import "time"

// Torture is what a program that is built to be tortured does otherwise. It is set before the first Store is opened.
var Torture = struct {
	// Step is called at each place of the code that has a name.
	Step func(place string)
	// Ahead is by how much the boot clock and the wall clock are ahead of the kernel's.
	Ahead func() (boot, wall time.Duration)
	// Paced bends the boot clock.
	Paced func(boot time.Duration) time.Duration
}{
	func(string) {},
	func() (boot, wall time.Duration) { return 0, 0 },
	func(boot time.Duration) time.Duration { return boot },
}

// So long that Redis is in time on a machine that is busy with everything at once: what it has is to be found, and refused.
const shelfBudget = 60 * time.Millisecond

func step(place string)                      { Torture.Step(place) }
func shifted() (boot, wall time.Duration)    { return Torture.Ahead() }
func paced(boot time.Duration) time.Duration { return Torture.Paced(boot) }
