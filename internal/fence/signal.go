// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync"
	"time"
)

// A signal tells any number of goroutines that something has moved on.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // closed at the next announcement; nil: nobody waits
}

func (s *signal) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// await returns true as soon as an announcement finds done true, and false when ctx ends or limit is over before.
func (s *signal) await(ctx context.Context, limit time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		moved := s.next() // before the question, so that nothing is missed
		if done() {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
		step("signal: woken")
	}
}

// A bell wakes one goroutine, however often it is rung before that goroutine looks.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

// ring does not block.
func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// await waits until the bell is rung, the timer fires or ctx ends, and reports whether the bell was rung, whatever else has
// happened. A nil timer never fires.
func (b bell) await(ctx context.Context, timer *time.Timer) (rung bool) {
	var fired <-chan time.Time
	if timer != nil {
		fired = timer.C
	}
	select {
	case <-b:
		return true
	case <-fired:
	case <-ctx.Done():
	}
	return b.hush()
}

// hush lets a bell that was rung be as if it had not been, and reports whether it was.
func (b bell) hush() bool {
	select {
	case <-b:
		return true
	default:
		return false
	}
}
