// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package checkup

// synced cannot tell.
func synced() (yes, known bool) { return false, false }
