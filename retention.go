// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"log/slog"
	"time"
)

// Retention says for how long records are kept after they have served. Zero keeps them for ever.
type Retention struct {
	Events     time.Duration // audit records, from when they were written
	Keys       time.Duration // keys, from when they were revoked or expired
	Sessions   time.Duration // sessions, from when they would have expired
	RequestIDs time.Duration // remembered request ids, from when they were used
}

// sweeper is the part of a Store that Retention needs.
type sweeper interface {
	Sweep(ctx context.Context, c Change, keep Cutoffs) error
}

// Run deletes what is no longer kept, at once and then every interval, until ctx ends.
func (r Retention) Run(ctx context.Context, s sweeper, now func() time.Time, interval time.Duration, log *slog.Logger) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		at := stamp(now())
		err := s.Sweep(ctx, Change{Actor: Actor{Role: CallerRoleSystem, TokenName: "retention"}, At: at}, r.cutoffs(at))
		if err != nil && ctx.Err() == nil {
			log.Warn("retention did not finish; trying again later", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r Retention) cutoffs(now time.Time) Cutoffs {
	before := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	return Cutoffs{
		Events: before(r.Events), Keys: before(r.Keys),
		Sessions: before(r.Sessions), RequestIDs: before(r.RequestIDs),
	}
}
