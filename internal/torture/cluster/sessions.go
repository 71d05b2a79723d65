// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"testing"

	"aeroplane.run/authz/internal/faultproxy"
)

// A replica has sessions of its own for what follows the history, beside a pool for everything else. They are told apart by
// what they say first. That is known once they have said it: a Match chooses among sessions that have been in use.
var (
	Rounds   faultproxy.Match = says("members SET beat")            // of the loop
	Acks     faultproxy.Match = says("synchronous_commit\x00off")   // whose commits nobody waits for
	Lists    faultproxy.Match = says("FROM members m")              // of the barrier
	Listener faultproxy.Match = says("LISTEN ")                     // of notifications
	Pool     faultproxy.Match = none(Rounds, Acks, Lists, Listener) // all others
)

func says(text string) faultproxy.Match {
	return func(head []byte) bool { return bytes.Contains(head, []byte(text)) }
}

func none(others ...faultproxy.Match) faultproxy.Match {
	return func(head []byte) bool {
		for _, m := range others {
			if m(head) {
				return false
			}
		}
		return true
	}
}

// Not chooses what m does not.
func Not(m faultproxy.Match) faultproxy.Match { return none(m) }

// CheckSessions cuts the sessions of each kind, and fails where a replica has not one of each: then they are told apart by
// what they do not say any more. It is for replicas that have made a change each.
func (c *Cluster) CheckSessions(t testing.TB) {
	t.Helper()
	for _, r := range c.Replicas {
		for name, m := range map[string]faultproxy.Match{"rounds": Rounds, "acks": Acks, "lists": Lists, "listener": Listener} {
			if n := r.Postgres.Cut(m); n != 1 {
				t.Errorf("replica %d has %d sessions for %s, want 1", r.Number, n, name)
			}
		}
		if r.Postgres.Cut(Pool) == 0 {
			t.Errorf("replica %d has no pool", r.Number)
		}
	}
}
