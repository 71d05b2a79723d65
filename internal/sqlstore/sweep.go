// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"aeroplane.run/authz"
)

// maxSwept bounds the rows of one transaction, so that no change waits long for a sweep.
const maxSwept = 500

// A sweeping deletes rows of a table whose time is before a cutoff.
type sweeping struct {
	table, key string
	where      string // $1 is the cutoff
	before     time.Time
}

// A key of Aeroplane's that was revoked stays: Aeroplane may have it still, and would make it known again.
const (
	dead      = "COALESCE(revoked_at, expires_at) < $1 AND NOT (synced AND revoked_at IS NOT NULL)"
	ofDeadKey = "key_id IN (SELECT id FROM keys WHERE " + dead + ")"
)

// The log reaches back far enough for whoever follows it, however long it slept, and for a replica that starts and finds
// older records in the second cache; and what is younger than a day stays for people.
const (
	keptRows = "1000000"
	logAge   = 24 * time.Hour
)

// sweepings returns what is to be done to keep only what keep says. What belongs to a key goes before it, so that a key
// with many selected projects takes several transactions. What does not go with it is the request id that made it: that is
// kept for its own time, so that no late repeat makes a second key.
func sweepings(keep authz.Cutoffs, now time.Time) []sweeping {
	return []sweeping{
		{"audit_events", "id", "at < $1", keep.Events},
		{"key_projects", "key_id, project_id", ofDeadKey, keep.Keys},
		{"key_use", "key_id", ofDeadKey, keep.Keys},
		{"keys", "id", dead, keep.Keys},
		{"sessions", "digest", "expires_at < $1", keep.Sessions},
		{"requests", "request_id", "at < $1", keep.RequestIDs},
		{"console_sessions", "digest", "expires_at < $1", now},
		{"change_log", "seq", "at < $1 AND seq <= (SELECT max(seq) FROM change_log) - " + keptRows, now.Add(-logAge)},
	}
}

// Sweep deletes what retention no longer keeps.
func (s *Store) Sweep(ctx context.Context, c authz.Change, keep authz.Cutoffs) error {
	for {
		_, err := s.change(ctx, c, func(ctx context.Context, t *tx) error {
			swept, err := t.sweep(ctx, keep)
			if err == nil && swept == 0 {
				err = errNothing
			}
			return err
		})
		switch {
		case errors.Is(err, errNothing):
			return nil
		case err != nil:
			return err
		}
	}
}

// sweep deletes at most maxSwept rows, and records how many of each table.
func (t *tx) sweep(ctx context.Context, keep authz.Cutoffs) (swept int, err error) {
	counts := make(map[string]string)
	for _, w := range sweepings(keep, t.change.At) {
		if w.before.IsZero() || swept == maxSwept {
			continue
		}
		n, err := t.sweepTable(ctx, w, maxSwept-swept)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			before, _ := strconv.Atoi(counts[w.table])
			counts[w.table] = strconv.Itoa(before + n)
			swept += n
		}
	}
	if swept == 0 {
		return 0, nil
	}
	return swept, t.record(ctx, entry{action: authz.RetentionDelete, details: counts})
}

// sweepTable deletes at most limit rows. Those that another store is sweeping are left to it.
func (t *tx) sweepTable(ctx context.Context, w sweeping, limit int) (int, error) {
	// A cutoff in the future would take keys that are still good, and the very records that the sweep writes.
	before := w.before
	if before.After(t.change.At) {
		before = t.change.At
	}
	result, err := t.ExecContext(ctx, "WITH swept AS MATERIALIZED (SELECT "+w.key+" FROM "+w.table+
		" WHERE "+w.where+" LIMIT $2 "+t.dialect.SkipLocked+")"+
		" DELETE FROM "+w.table+" WHERE ("+w.key+") IN (SELECT "+w.key+" FROM swept)", before.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
