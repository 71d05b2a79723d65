// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// noteBarrier tells of a change that took long, because some replica did not say that it knows of it.
func (c *connection) noteBarrier(r *v1.Receipt) {
	if r.GetBarrier() == v1.Barrier_BARRIER_WAITED && !c.json {
		c.note("In force everywhere after %v: a replica did not answer, and by now it has stopped deciding.",
			r.GetBarrierDuration().AsDuration().Round(time.Millisecond))
	}
}
