// SPDX-License-Identifier: Apache-2.0

// Package stripe counts what happens on all processors at once, without one waiting for the other.
//
// A counter that two processors add to is one cache line that travels between them: each of them waits for it, and both
// together count more slowly than one alone. Here a counter is several cells, one in each stripe. A processor keeps to a
// stripe of its own, and whoever wants to know the count adds the cells up.
package stripe

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Counters are a fixed number of counters, zero at first, which only grow. Those that are counted together lie together:
// a processor that counts in several of them touches lines of its own alone. All methods may be called at once.
type Counters struct {
	n     int
	cells []atomic.Uint64 // a gap, then for each stripe a cell of each counter and a gap
}

// gap is how many cells lie between two stripes: as many as make up 128 bytes, less one. So no line holds cells of two
// stripes, nor a line and the next, which some processors fetch together, wherever the first cell lies.
const gap = 128/8 - 1

// New returns n counters.
func New(n int) *Counters {
	return &Counters{n: n, cells: make([]atomic.Uint64, gap+stripes*(n+gap))}
}

// Here returns a cell of each counter, in their order. They are those of the processor that asks, so that it is cheap to
// add to them now; it is right at any time.
func (c *Counters) Here() []atomic.Uint64 { return c.stripe(here()) }

// Add adds to the i-th counter.
func (c *Counters) Add(i int, n uint64) { c.Here()[i].Add(n) }

// Load returns what the i-th counter has come to. It never returns less than it did before: each cell only grows.
func (c *Counters) Load(i int) (sum uint64) {
	for s := range stripes {
		sum += c.stripe(s)[i].Load()
	}
	return sum
}

func (c *Counters) stripe(s int) []atomic.Uint64 {
	from := gap + s*(c.n+gap)
	return c.cells[from : from+c.n : from+c.n]
}

// stripes is how many stripes there are.
var stripes = stripesFor(runtime.GOMAXPROCS(0))

// stripesFor returns how many stripes so many processors need: some to spare, since what gives them out forgets who has
// which, and not so many that adding them up takes long.
func stripesFor(processors int) int {
	n := 1
	for n < 4*processors && n < maxStripes {
		n *= 2
	}
	return n
}

// maxStripes fits a byte, so that the number of a stripe becomes an interface without an allocation.
const maxStripes = 64

// here returns the number of the stripe that belongs to the processor which asks.
//
// Go does not tell which processor that is. But a sync.Pool keeps for each of them what it last put back, and gives it
// back to the same one, without a lock. A stripe drawn at random would be wrong half the time on two processors, however
// many there are: the other one was there last.
func here() int {
	s := places.Get()
	places.Put(s)
	return int(s.(uint8))
}

var (
	places = sync.Pool{New: func() any { return uint8(given.Add(1) % uint32(stripes)) }}
	given  atomic.Uint32
)
