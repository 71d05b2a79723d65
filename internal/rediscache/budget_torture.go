// SPDX-License-Identifier: Apache-2.0

//go:build torture

package rediscache

import "time"

// So long that Redis is in time on a machine that is busy with everything at once: what it has is to be found, and refused.
const budget = 40 * time.Millisecond
