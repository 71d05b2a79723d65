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
}

// NewUseRecorder returns a recorder that writes to store once Run is called.
func NewUseRecorder(store UseStore, log *slog.Logger) *UseRecorder {
	return &UseRecorder{store: store, log: log}
}

// Used notes a use in the record, unless one less than a second before is noted there. It takes a lock for the first use since the
// last Flush, and does not block on I/O.
func (r *UseRecorder) Used(key *KeyRecord, at time.Time) {
	if key.use(at.UnixMicro()) {
		r.list(key)
	}
}

// list puts a record on the list, unless it is there.
func (r *UseRecorder) list(key *KeyRecord) {
	if key.listed.CompareAndSwap(false, true) {
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
	used := r.take()
	if len(used) == 0 {
		return
	}
	uses := make([]KeyUse, len(used))
	for i, key := range used {
		key.listed.Store(false) // before its use is read: whoever notes a later one lists it again
		uses[i] = KeyUse{KeyID: key.ID, At: time.UnixMicro(key.noted.Load()).UTC()}
	}
	if err := r.store.RecordUse(ctx, uses); err != nil {
		r.log.Warn("last-used times not written; trying again later", "keys", len(uses), "error", err)
		for _, key := range used {
			r.list(key)
		}
	}
}
