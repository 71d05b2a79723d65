// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"log/slog"
	"time"
)

// A UseRecorder gathers in memory when keys were used, and writes it in batches, so that no request waits for a write
// and a process writes no key more than once an interval, and once more when it ends. What it holds is lost when the
// process is killed.
type UseRecorder struct {
	store UseStore
	log   *slog.Logger
	notes *useNotes // what is still to be written
}

// NewUseRecorder returns a recorder that writes to store once Run is called.
func NewUseRecorder(store UseStore, log *slog.Logger) *UseRecorder {
	return &UseRecorder{store: store, log: log, notes: newUseNotes()}
}

// Used notes a use, unless one less than a second before is noted in the record, which then takes no lock. It does not block on
// I/O.
func (r *UseRecorder) Used(key *KeyRecord, at time.Time) {
	if at := at.UnixMicro(); key.use(at) {
		r.notes.note(key.ID, at)
	}
}

// Run flushes every interval until ctx ends, and then once more, within grace.
func (r *UseRecorder) Run(ctx context.Context, interval, grace time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			r.Flush(last)
			return
		}
	}
}

// Flush writes what was gathered. What could not be written is kept for the next time.
func (r *UseRecorder) Flush(ctx context.Context) {
	uses := r.notes.take()
	if len(uses) == 0 {
		return
	}
	if err := r.store.RecordUse(ctx, uses); err != nil {
		r.log.Warn("last-used times not written; trying again later", "keys", len(uses), "error", err)
		for _, u := range uses {
			r.notes.note(u.KeyID, u.At.UnixMicro())
		}
	}
}
