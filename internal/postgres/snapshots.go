// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"time"
)

// snapshotInterval is how often the server is asked how old its oldest snapshot is.
const snapshotInterval = 10 * time.Second

// snapshotStatement asks of transactions what other users' sessions show to who may read all statistics, and to nobody else.
const snapshotStatement = `SELECT COALESCE(extract(epoch FROM max(clock_timestamp() - xact_start)) * 1000000, 0)::bigint
	FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`

// watchSnapshots keeps an eye on what keeps Postgres from cleaning up: each round updates the row of a member, and behind an
// old snapshot every one of these rows stays, for all to read past.
func (h *history) watchSnapshots() {
	tick := time.NewTicker(snapshotInterval)
	defer tick.Stop()
	for {
		if oldest, err := h.oldestSnapshot(); err == nil {
			h.oldest.Store(int64(oldest))
		}
		select {
		case <-tick.C:
		case <-h.life.Done():
			return
		}
	}
}

func (h *history) oldestSnapshot() (time.Duration, error) {
	ctx, cancel := context.WithTimeout(h.life, time.Second)
	defer cancel()
	var micros int64
	err := h.lists.do(ctx, func(ctx context.Context, conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, snapshotStatement).Scan(&micros)
	})
	return time.Duration(micros) * time.Microsecond, err
}
