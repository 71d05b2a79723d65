// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestSpreads(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{9, 1, 3, 2}, spread{2.5, 1, 9}},
	} {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("%v: %v, want %v", test.values, got, test.want)
		}
	}
	if got, want := spreadOf([]float64{1, 1.234, 2}).String(), "1.23 (1.00–2.00)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRatiosAreThoseOfPairs has a machine that becomes half as fast: within pairs nothing changes.
func TestRatiosAreThoseOfPairs(t *testing.T) {
	decisions := func(n int) result { return result{decisions: n} }
	count := func(r result) float64 { return float64(r.decisions) }
	pairs := []pair{
		{decisions(90), decisions(100)},
		{decisions(45), decisions(50)},
		{decisions(10), decisions(0)}, // nothing to compare with
	}
	if got := ratios(pairs, count); got != (spread{0.9, 0.9, 0.9}) {
		t.Error(got)
	}
	if ours, other := medians(pairs, count); ours != 45 || other != 50 {
		t.Error(ours, other)
	}
}
