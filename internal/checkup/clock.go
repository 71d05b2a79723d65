// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"time"
)

// How far two clocks may be apart.
const (
	apartFault   = 5 * time.Second
	apartWarning = 500 * time.Millisecond
)

const setClocks = "Have NTP keep the clocks of both machines right, by chrony or systemd-timesyncd."

// checkClock compares the clock of this machine with what there is. Keys and sessions expire by it, or on Postgres by that of
// Postgres.
func checkClock(_ context.Context, x *examination) (all []Finding) {
	if x.onPostgres() {
		all = append(all, x.clockOfPostgres()...)
	} else {
		all = append(all, x.clockOfDatabase()...)
	}
	if now, built := x.Now(), x.Build.Time; now.Before(built) {
		all = append(all, fault("Set it right.", "it says %s, which is before this program was written, %s", day(now), day(built)))
	}
	if s := x.running(); s.told && s.ahead.Abs() > apartFault {
		all = append(all, fault("See on which machine it runs, and set that clock right.", "the clock of the running service is %s", apart(s.ahead)))
	}
	switch yes, known := x.synced(); {
	case !known:
		all = append(all, good("whether anything keeps it right cannot be told here"))
	case yes:
		all = append(all, good("the kernel says that it is synchronized"))
	default:
		all = append(all, warning("Run chrony, systemd-timesyncd or another client of NTP, unless the machine's host sees to the clock.", "the kernel says that nothing keeps it synchronized"))
	}
	return all
}

// clockOfPostgres is in doubt by half of a round trip, and gets the benefit of that.
func (x *examination) clockOfPostgres() []Finding {
	c, err := x.postgres()
	if err != nil {
		return []Finding{good("it was not compared with that of Postgres, which was not reached")}
	}
	apartBy := max(0, c.Ahead.Abs()-c.RoundTrip/2)
	switch {
	case apartBy > apartFault:
		return []Finding{fault(setClocks, "the clock of Postgres is %s: keys and sessions expire by that", apart(c.Ahead))}
	case apartBy > apartWarning:
		return []Finding{warning(setClocks, "the clock of Postgres is %s", apart(c.Ahead))}
	}
	return []Finding{good("that of Postgres is %s, give or take %v", apart(c.Ahead), (c.RoundTrip / 2).Round(10*time.Microsecond))}
}

// clockOfDatabase holds it against when the embedded database was written last.
func (x *examination) clockOfDatabase() []Finding {
	c, err := x.embedded()
	if err != nil || !c.There {
		return nil
	}
	if early := c.Changed.Sub(x.Now()); early > apartWarning {
		f := warning("Set it right: keys and sessions that have expired could pass again.", "it says %s, and the database was written %v later", day(x.Now()), early.Round(time.Millisecond))
		if early > apartFault {
			f.Severity = Fault
		}
		return []Finding{f}
	}
	return []Finding{good("it is not behind the last change of the database")}
}

// apart says how another clock is to ours.
func apart(ahead time.Duration) string {
	switch by := ahead.Abs().Round(100 * time.Microsecond); {
	case by == 0:
		return "as that of this machine"
	case ahead < 0:
		return by.String() + " behind that of this machine"
	default:
		return by.String() + " ahead of that of this machine"
	}
}
