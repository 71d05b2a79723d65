// SPDX-License-Identifier: Apache-2.0

//go:build !sim && !torture

package fence

import "time"

// step marks a place where the simulation may let others go first. In the program it is nothing.
func step(string) {}

// shifted is by how much the boot clock and the wall clock are to be ahead of the kernel's: nothing.
func shifted() (boot, wall time.Duration) { return 0, 0 }

// paced is how a clock is to run: as it does.
func paced(boot time.Duration) time.Duration { return boot }
