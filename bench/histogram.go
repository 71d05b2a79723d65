// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/bits"
	"time"
)

// precision is how many bits of a duration are kept: a bucket is 1/128 of its value wide at most.
const precision = 7

// A histogram counts durations. To count one takes some nanoseconds and no memory, so that it costs what is measured nothing:
// each caller has one of its own, and they are added up in the end.
type histogram [40 << precision]uint32 // up to some ten minutes

// bucketOf returns the bucket of a duration: itself while it is short, then its highest bits and how many there are below.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	shift := max(bits.Len64(n)-precision-1, 0)
	return min(shift<<precision+int(n>>shift), len(histogram{})-1)
}

// middleOf returns the duration in the middle of a bucket.
func middleOf(bucket int) time.Duration {
	shift := max(bucket>>precision-1, 0)
	least := (bucket - shift<<precision) << shift
	return time.Duration(least + 1<<shift>>1)
}

func (h *histogram) note(d time.Duration) { h[bucketOf(d)]++ }

func (h *histogram) add(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

func (h *histogram) count() (sum int) {
	for _, n := range h {
		sum += int(n)
	}
	return sum
}

// quantile returns the duration that the given part of all does not exceed. Zero: there are none.
func (h *histogram) quantile(part float64) time.Duration {
	rank := int(part * float64(h.count()))
	for i, n := range h {
		if rank -= int(n); rank < 0 {
			return middleOf(i)
		}
	}
	for i := len(h) - 1; i >= 0; i-- { // all of them
		if h[i] > 0 {
			return middleOf(i)
		}
	}
	return 0
}
