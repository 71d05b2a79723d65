// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsFollowEachOther(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 5*time.Minute; d += 1 + d/500 {
		bucket := bucketOf(d)
		if bucket < last || bucket > last+1 {
			t.Fatalf("%v is in bucket %d after %d", d, bucket, last)
		}
		last = bucket
		if off := middleOf(bucket) - d; off.Abs() > d/128 {
			t.Fatalf("%v is taken for %v", d, middleOf(bucket))
		}
	}
	if bucketOf(-1) != 0 || bucketOf(24*time.Hour) != len(histogram{})-1 {
		t.Error("what is out of range is not in the last bucket")
	}
}

func TestQuantilesAreThoseOfTheSortedList(t *testing.T) {
	var one, other histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(rand.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		[]*histogram{&one, &other}[i%2].note(d)
	}
	one.add(&other)
	slices.Sort(all)
	if one.count() != len(all) {
		t.Fatal(one.count())
	}
	for _, part := range []float64{0, 0.5, 0.99, 0.999, 1} {
		want := all[min(int(part*float64(len(all))), len(all)-1)]
		if got := one.quantile(part); (got - want).Abs() > want/100+1 {
			t.Errorf("%v: %v, want %v", part, got, want)
		}
	}
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
