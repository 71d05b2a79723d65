// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"
)

// Go collects garbage whenever there is as much of it as GOGC says, 100 % of what lives. A service that keeps little and answers
// much collects all the time then. Here it may grow to four times of what lives, as long as that is no more than garbageRoom, and
// else to as much as usual. Who sets GOGC has the say.
const (
	garbageRoom     = 256 << 20 // bytes
	mostGarbage     = 400       // per cent
	leastGarbage    = 100
	garbageInterval = 10 * time.Second
)

// garbagePercent returns how much garbage may gather, in per cent of the bytes that live.
func garbagePercent(live uint64) int {
	return int(min(max(garbageRoom*100/max(live, 1), leastGarbage), mostGarbage))
}

// tendGarbage sets that, and anew while what lives grows or shrinks, until the result is called.
func (a *app) tendGarbage(ctx context.Context) (end func()) {
	if slices.ContainsFunc(a.environ, func(e string) bool { return strings.HasPrefix(e, "GOGC=") }) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	before := debug.SetGCPercent(mostGarbage)
	var running sync.WaitGroup
	running.Go(func() { followHeap(ctx) })
	return func() {
		cancel()
		running.Wait()
		debug.SetGCPercent(before)
	}
}

func followHeap(ctx context.Context) {
	tick := time.NewTicker(garbageInterval)
	defer tick.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for now := mostGarbage; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(live)
		if want := garbagePercent(live[0].Value.Uint64()); want != now {
			debug.SetGCPercent(want)
			now = want
		}
	}
}
