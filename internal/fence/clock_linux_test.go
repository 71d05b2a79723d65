// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"testing"
	"time"
)

// What is reckoned lies between two answers of the kernel, give or take what is allowed.
func TestBootClock(t *testing.T) {
	t.Parallel()
	clock, err := SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		before := bootTime()
		got := clock.Boot()
		after := bootTime()
		if got < before-together || got > after+together {
			t.Fatalf("%v is not between %v and %v", got, before, after)
		}
	}
}

// A suspend moves the wall clock ahead of the monotonic one. Here the note of how far it was ahead is moved instead.
func TestBootClockAfterASuspend(t *testing.T) {
	t.Parallel()
	for _, moved := range []time.Duration{time.Hour, -time.Hour, 2 * unnoticed} {
		c := &BootClock{base: time.Now()}
		c.Boot()
		noted := *c.offset.Load()
		c.offset.Store(&clockOffset{noted.boot - time.Minute, noted.wall - moved}) // wrong since
		before := bootTime()
		if got := c.Boot(); got < before-together {
			t.Errorf("moved by %v: %v, the kernel said %v before", moved, got, before)
		}
	}
}

func BenchmarkBootClock(b *testing.B) {
	c := &BootClock{base: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Boot()
	}
}

func BenchmarkBootClockFromTheKernel(b *testing.B) {
	for b.Loop() {
		_ = bootTime()
	}
}

func BenchmarkMonotonicClock(b *testing.B) {
	for b.Loop() {
		_ = time.Now()
	}
}
