// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
)

// A spread is what several measurements of one thing came to. The machine is shared: the median is what counts, and the rest
// tells how far to trust it.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// String returns the median and, in brackets, the least and the most.
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.least, s.most) }

// A pair is two results that were measured one right after the other, so that what else the machine does falls on both.
type pair struct{ ours, other result }

// A figure is one of the figures of a result.
type figure func(result) float64

// ratios returns how many times the other's our figure is, in all pairs.
func ratios(pairs []pair, f figure) spread {
	var all []float64
	for _, p := range pairs {
		if other := f(p.other); other > 0 {
			all = append(all, f(p.ours)/other)
		}
	}
	return spreadOf(all)
}

// medians returns the medians of a figure, ours and the other's.
func medians(pairs []pair, f figure) (ours, other float64) {
	var all, others []float64
	for _, p := range pairs {
		all, others = append(all, f(p.ours)), append(others, f(p.other))
	}
	return spreadOf(all).median, spreadOf(others).median
}
