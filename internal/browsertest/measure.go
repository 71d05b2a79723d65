// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"strings"
	"testing"
	"time"
)

// LayoutShift returns how much of the page has moved by itself since it was loaded, and how far: the sum of all layout shifts, where 0
// is none and 1 is the whole page by its height. What moves in answer to a key or a click does not count.
func (p *Page) LayoutShift(t testing.TB) float64 {
	t.Helper()
	// What is still to be drawn is drawn within two frames.
	return Eval[float64](t, p, `new Promise((done) => {
		let sum = 0;
		const add = (entries) => entries.forEach((entry) => { if (!entry.hadRecentInput) sum += entry.value; });
		const observer = new PerformanceObserver((list) => add(list.getEntries()));
		requestAnimationFrame(() => requestAnimationFrame(() => {
			observer.observe({ type: "layout-shift", buffered: true });
			setTimeout(() => { add(observer.takeRecords()); observer.disconnect(); done(sum); });
		}));
	})`)
}

// Transferred returns how many bytes have come over the network since Load, bodies as they were compressed and their headers, once every
// request has its answer. Streams of events, and what comes by a WebSocket, do not count.
func (p *Page) Transferred(t testing.TB) int64 {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(p.patience); time.Now().Before(deadline); time.Sleep(poll) {
		var bytes int64
		if bytes, left = p.watch.transferred(); len(left) == 0 {
			return bytes
		}
	}
	t.Fatalf("waited in vain for the end of %s", strings.Join(left, ", "))
	return 0
}

// transferred returns what came, and the requests that are under way.
func (w *watch) transferred() (bytes int64, left []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if !r.endless {
			left = append(left, r.asked)
		}
	}
	return w.bytes, left
}
