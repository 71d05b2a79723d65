// SPDX-License-Identifier: Apache-2.0

package aeroplane

// Instant is for the test of the times that are read.
var Instant = instant

// Like is Same, however short a time ago something was written.
func (m Mark) Like(n Mark) bool { return m.like(n) }
