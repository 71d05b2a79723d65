// SPDX-License-Identifier: Apache-2.0

package scrape

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetricsAreRead(t *testing.T) {
	m, err := Read(strings.NewReader(`# HELP rounds_total Rounds.
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
	built := Metrics{`build_info{commit="",version="v1, \"x\"",go="go1"}`: 1, "plain": 0.5}
	for label, want := range map[string]string{"version": `v1, "x"`, "go": "go1", "commit": "", "v1": ""} {
		if got := built.Label("build_info", label); got != want {
			t.Errorf("%s is %q, want %q", label, got, want)
		}
	}
	if got := built.Label("plain", "go"); got != "" {
		t.Error(got)
	}
	for _, bad := range []string{"alone\n", "name value\n", "name{} \n"} {
		if m, err := Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, m)
		}
	}
}
