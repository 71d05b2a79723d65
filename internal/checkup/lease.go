// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"fmt"
	"math"
	"time"
)

// checkLease goes by what the service counts.
func checkLease(_ context.Context, x *examination) []Finding {
	m := x.running().metrics
	left, known := m[prefix+"lease_remaining_seconds"]
	switch {
	case !known:
		return []Finding{good("it is not known: the metrics of the service cannot be read")}
	case math.IsInf(left, 1) && x.onPostgres():
		return []Finding{fault("Restart the service, if its settings were changed since it was started; or see that this is given the same settings.",
			"the running service is on the embedded database, and the settings say Postgres")}
	case math.IsInf(left, 1):
		return []Finding{good("on the embedded database there is none")}
	case !x.onPostgres():
		return []Finding{fault("Restart the service, if its settings were changed since it was started; or see that this is given the same settings.",
			"the running service is on Postgres, and the settings say the embedded database")}
	}
	all := []Finding{x.left(left, int(m[prefix+"members"]))}
	all = append(all, rounds(m.Sum(prefix+"rounds_total", "confirmed"), m.Sum(prefix+"rounds_total", "failed"))...)
	if n := m.Sum(prefix+"generations_abandoned_total", "mismatch") + m.Sum(prefix+"generations_abandoned_total", "gap"); n > 0 {
		all = append(all, warning("Find out which commits were lost, and revoke again what was revoked since: docs/operations.md, Restore.",
			"the history was another one %v times since its start: Postgres failed over without all commits, or was restored", n))
	}
	return all
}

// left says how much of the lease is left. A round each quarter of it renews it.
func (x *examination) left(seconds float64, members int) Finding {
	const look = "Look at Postgres, and at the network to it; where one replica alone has this, at that one."
	left := time.Duration(seconds * float64(time.Second)).Round(10 * time.Millisecond)
	switch {
	case left <= 0:
		return fault(look, "it is over: the service decides nothing until Postgres confirms that it may")
	case left < x.Settings.Lease/4:
		return warning(look, "%v of it are left, less than a quarter: Postgres confirms too little", left)
	}
	replicas := "replicas decide"
	if members == 1 {
		replicas = "replica decides"
	}
	return good("%v of it are left; %d %s by this Postgres", left, members, replicas)
}

// rounds warns where more than one of a hundred failed.
func rounds(confirmed, failed float64) []Finding {
	says := fmt.Sprintf("%v of %v rounds failed since the start of the service", failed, confirmed+failed)
	if failed*100 > confirmed+failed {
		return []Finding{warning("Look at Postgres, and at the network to it: while rounds fail for longer than the lease, nothing is decided.", "%s", says)}
	}
	return []Finding{good("%s", says)}
}
