// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A UseRecorder gathers in memory when keys were used, and writes it in batches, so that no request waits for a write
// and a process writes no key more than once an interval, and once more when it ends. What it holds is lost when the
// process is killed.
type UseRecorder struct {
	store UseStore
	log   *slog.Logger

	mu   sync.Mutex
	used []*KeyRecord // those whose use is to be written, each once, but perhaps several of one key

	flushing sync.Mutex
	latest   map[string]int64 // what is to be written, by the id of the key: what could not be before, too, in microseconds since 1970; guarded by flushing
}

// NewUseRecorder returns a recorder that writes to store once Run is called.
func NewUseRecorder(store UseStore, log *slog.Logger) *UseRecorder {
	return &UseRecorder{store: store, log: log, latest: make(map[string]int64)}
}

// Used notes a use in the record, unless one less than a second before is noted there. It takes a lock for the first use since the
// last Flush, and does not block on I/O.
func (r *UseRecorder) Used(key *KeyRecord, at time.Time) {
	if key.use(at.UnixMicro()) && key.listed.CompareAndSwap(false, true) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.used = append(r.used, key)
	}
}

// take returns those on the list, which is empty then.
func (r *UseRecorder) take() []*KeyRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	used := r.used
	r.used = nil
	return used
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
	r.flushing.Lock()
	defer r.flushing.Unlock()
	for _, key := range r.take() {
		key.listed.Store(false) // before its use is read: whoever notes a later one lists it again
		r.latest[key.ID] = max(r.latest[key.ID], key.noted.Load())
	}
	if len(r.latest) == 0 {
		return
	}
	uses := make([]KeyUse, 0, len(r.latest))
	for id, at := range r.latest {
		uses = append(uses, KeyUse{KeyID: id, At: time.UnixMicro(at).UTC()})
	}
	if err := r.store.RecordUse(ctx, uses); err != nil {
		r.log.Warn("last-used times not written; trying again later", "keys", len(uses), "error", err)
		return
	}
	r.latest = make(map[string]int64) // which keeps no room for as many
}
