// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"
)

func TestSessionsAreToldApart(t *testing.T) {
	startup := "\x00\x03\x00\x00user\x00authz\x00database\x00authz\x00synchronous_commit\x00on\x00\x00"
	for name, head := range map[string]string{
		"rounds":   startup + "WITH me AS (UPDATE members SET beat = beat + 1",
		"acks":     strings.Replace(startup, "commit\x00on", "commit\x00off", 1) + "UPDATE members SET applied_seq",
		"lists":    startup + "SELECT m.id FROM members m LEFT JOIN",
		"listener": startup + "LISTEN aeroplane_authz_change_log",
		"pool":     startup + "SELECT id FROM keys",
	} {
		got := map[string]bool{"rounds": Rounds([]byte(head)), "acks": Acks([]byte(head)), "lists": Lists([]byte(head)),
			"listener": Listener([]byte(head)), "pool": Pool([]byte(head))}
		for session, chosen := range got {
			if chosen != (session == name) {
				t.Errorf("the head of %s: %s is %v", name, session, chosen)
			}
		}
		if Not(Rounds)([]byte(head)) == got["rounds"] {
			t.Errorf("the head of %s is of both or of neither", name)
		}
	}
}
