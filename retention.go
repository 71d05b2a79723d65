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

// DefaultRetention returns what holds where nothing else is set: a year for audit records and for keys that have ended, 30 days for
// sessions, and one for the ids of requests.
func DefaultRetention() Retention {
	const day = 24 * time.Hour
	return Retention{Events: 365 * day, Keys: 365 * day, Sessions: 30 * day, RequestIDs: day}
}

// sweeper is what Retention needs of a Store, and of what answers decisions.
type sweeper interface {
	FactStore
	Sweep(ctx context.Context, c Change, keep Cutoffs) error
}

// retentionRetry is when retention that failed is tried again. At start the clock of the store may not be known yet.
const retentionRetry = time.Minute

// Run deletes what is no longer kept, at once and then every interval, or retentionRetry after it failed, until ctx ends.
func (r Retention) Run(ctx context.Context, s sweeper, interval time.Duration, log *slog.Logger) {
	for {
		wait := interval
		if err := r.sweep(ctx, s); err != nil && ctx.Err() == nil {
			wait = min(interval, retentionRetry)
			log.Warn("retention did not finish", "error", err, "next_try", wait)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// sweep goes by the clock that decisions go by. That of this machine may be years ahead, and a revoked session that was forgotten
// too early could be put again.
func (r Retention) sweep(ctx context.Context, s sweeper) error {
	facts, err := FactsFrom(ctx, s, Query{})
	if err != nil {
		return err
	}
	at := stamp(facts.Now)
	return s.Sweep(ctx, Change{Actor: Actor{Role: CallerRoleSystem, TokenName: "retention"}, At: at}, r.cutoffs(at))
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
