// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetricsAreRead(t *testing.T) {
	m, err := parseMetrics(strings.NewReader(`# HELP rounds_total Rounds.
# TYPE rounds_total counter
rounds_total{result="confirmed"} 41
rounds_total{result="failed"} 1
odd{why="it } is"} 3e2 1700000000
plain 0.5
`))
	want := Metrics{`rounds_total{result="confirmed"}`: 41, `rounds_total{result="failed"}`: 1, `odd{why="it } is"}`: 300,
		"plain": 0.5}
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("%v; -want +got\n%s", err, diff)
	}
	for _, test := range []struct {
		name  string
		words []string
		want  float64
	}{
		{"rounds_total", nil, 42}, {"rounds_total", []string{"failed"}, 1}, {"rounds_total", []string{"fail"}, 0},
		{"rounds", nil, 0}, {"plain", nil, 0.5},
	} {
		if got := m.Sum(test.name, test.words...); got != test.want {
			t.Errorf("%s%v is %v, want %v", test.name, test.words, got, test.want)
		}
	}
	for _, bad := range []string{"alone\n", "name value\n", "name{} \n"} {
		if m, err := parseMetrics(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, m)
		}
	}
}

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
