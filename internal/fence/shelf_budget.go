// SPDX-License-Identifier: Apache-2.0

//go:build !torture || sim

package fence

import "time"

// shelfBudget is the longest that a look-up waits for the shelf in all; with timers that are late, 5 ms.
const shelfBudget = 3 * time.Millisecond
