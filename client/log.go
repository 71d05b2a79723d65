// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// tell logs why a request was refused that nobody has denied. Of a client that is gone only a developer wants to know.
func (c *Client) tell(ctx context.Context, what string, why error) {
	if ctx.Err() != nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, what, slog.Any("error", why))
		return
	}
	if ok, others := c.throttle.allow(time.Now()); ok {
		c.log.LogAttrs(ctx, slog.LevelError, what, slog.Any("error", why), slog.Int64("others_not_logged", others))
	}
}

// A throttle lets one line pass each second, and counts the others: when the service is away, every request fails.
type throttle struct{ second, skipped atomic.Int64 }

func (t *throttle) allow(now time.Time) (ok bool, others int64) {
	last := t.second.Load()
	if now.Unix() != last && t.second.CompareAndSwap(last, now.Unix()) {
		return true, t.skipped.Swap(0)
	}
	t.skipped.Add(1)
	return false, 0
}
