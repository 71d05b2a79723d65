// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package fence

import "aeroplane.run/authz"

// SystemClock returns the boot clock. Errors: FailedPrecondition on a system that is not known to have one.
func SystemClock() (Clock, error) {
	return nil, authz.Errorf(authz.FailedPrecondition,
		"this system is not known to have a clock that runs on in a suspend, which several replicas on one database need: run on Linux")
}
