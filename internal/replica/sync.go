// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"sync/atomic"
	"time"

	"aeroplane.run/authz"
)

const (
	syncInterval = 10 * time.Second
	syncTimeout  = 5 * time.Second
)

// A syncWatch knows how what is kept stood to Aeroplane a moment ago, whoever keeps it in step, so that no scrape has to ask.
type syncWatch struct {
	state atomic.Pointer[authz.SyncState]
}

func (w *syncWatch) last() authz.SyncState {
	if s := w.state.Load(); s != nil {
		return *s
	}
	return authz.SyncState{}
}

// run looks now and then until ctx ends. While the database does not answer, the last state stands.
func (w *syncWatch) run(ctx context.Context, store authz.SyncStore) {
	tick := time.NewTicker(syncInterval)
	defer tick.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, syncTimeout)
		if state, err := store.SyncState(bounded); err == nil {
			w.state.Store(&state)
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
