// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Who waits is told as soon as it is so, and gives up when it is time, or nobody wants to know any more.
func TestSignalAwait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what              string
		patience, limit   time.Duration
		announced, noneOf time.Duration // when it is so and said; when something else is said
		want              bool
		after             time.Duration
	}{
		{"it is so already", time.Hour, time.Hour, 0, 0, true, 0},
		{"it comes to be so", time.Hour, time.Hour, time.Minute, 0, true, time.Minute},
		{"something else happens first", time.Hour, time.Hour, time.Minute, time.Second, true, time.Minute},
		{"the limit is over", time.Hour, time.Minute, 2 * time.Minute, 0, false, time.Minute},
		{"the patience is over", time.Minute, time.Hour, 2 * time.Minute, 0, false, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), test.patience)
			defer cancel()
			var s signal
			var so atomic.Bool
			time.AfterFunc(test.noneOf, s.announce)
			time.AfterFunc(test.announced, func() { so.Store(true); s.announce() })
			began := time.Now()
			if got := s.await(ctx, test.limit, so.Load); got != test.want || time.Since(began) != test.after {
				t.Errorf("%s: %v after %v, want %v after %v", test.what, got, time.Since(began), test.want, test.after)
			}
			time.Sleep(time.Hour) // for what is still to be announced
		})
	}
}

// A bell that was rung before it was awaited, once or often, wakes once.
func TestBell(t *testing.T) {
	t.Parallel()
	b := newBell()
	b.ring()
	b.ring()
	if !b.await(t.Context(), nil) {
		t.Error("it was rung, and is said not to be")
	}
	if b.hush() {
		t.Error("it rings on")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	b.await(over, nil) // returns
	if b.await(t.Context(), time.NewTimer(0)) {
		t.Error("it was not rung, and is said to be")
	}
}
