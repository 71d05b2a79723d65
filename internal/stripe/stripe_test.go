// SPDX-License-Identifier: Apache-2.0

package stripe

import (
	"sync"
	"testing"
	"unsafe"
)

// TestCount counts in three counters from several goroutines. Who looks meanwhile never sees one fall.
func TestCount(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 10_000
	c := New(3)
	var counting sync.WaitGroup
	for range goroutines {
		counting.Go(func() {
			for range each {
				cells := c.Here()
				cells[0].Add(1)
				cells[2].Add(2)
			}
		})
	}
	for before := uint64(0); before < each; {
		now := c.Load(0)
		if now < before {
			t.Fatalf("it fell from %d to %d", before, now)
		}
		before = now
	}
	counting.Wait()
	for i, want := range []uint64{goroutines * each, 0, 2 * goroutines * each} {
		if got := c.Load(i); got != want {
			t.Errorf("counter %d is %d, want %d", i, got, want)
		}
	}
}

// TestLoad counts something else in each stripe.
func TestLoad(t *testing.T) {
	t.Parallel()
	c := New(2)
	var want uint64
	for s := range stripes {
		c.stripe(s)[1].Store(1 << s)
		want |= 1 << s
	}
	if none, got := c.Load(0), c.Load(1); none != 0 || got != want {
		t.Errorf("they are %d and %b, want 0 and %b", none, got, want)
	}
}

// TestApart measures how far the cells of two stripes are from each other.
func TestApart(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		c := New(n)
		address := func(s, i int) uintptr { return uintptr(unsafe.Pointer(&c.stripe(s)[i])) }
		for s := 1; s < stripes; s++ {
			if apart := address(s, 0) - address(s-1, n-1); apart < 128 {
				t.Errorf("of %d counters, stripes %d and %d are %d bytes apart", n, s-1, s, apart)
			}
		}
	}
}

func TestStripesFor(t *testing.T) {
	t.Parallel()
	for processors, want := range map[int]int{1: 4, 2: 8, 3: 16, 4: 16, 15: 64, 16: 64, 17: 64, 1000: 64} {
		if got := stripesFor(processors); got != want {
			t.Errorf("%d processors have %d stripes, want %d", processors, got, want)
		}
	}
}

// TestPlaces looks that stripes are given out in turn: who comes next does not get one that somebody just got.
func TestPlaces(t *testing.T) {
	seen := make(map[any]bool)
	for range stripes {
		place := places.New()
		if seen[place] || int(place.(uint8)) >= stripes {
			t.Errorf("stripe %v of %d, after %v", place, stripes, seen)
		}
		seen[place] = true
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	c := New(2)
	if n := testing.AllocsPerRun(1000, func() { c.Add(1, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAdd is to be run with -cpu 1,2,...: each time for as many processors that count at once.
func BenchmarkAdd(b *testing.B) {
	c := New(1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Add(0, 1)
		}
	})
}
