// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// A turn is the time in which one goroutine has a database or what is beside it open, to read or to look. The system takes all locks of a
// process on a file away as soon as the process closes any descriptor of it: who reads would go on without.
type turn struct {
	path string // without links
	db   fs.FileInfo
	over chan struct{}
}

// turns are those that somebody has.
var turns struct {
	sync.Mutex
	taken []*turn
}

// takeTurn waits until nobody else in this process has a turn with a database. It is the same one if it has the same path, since what is
// beside it is the same, or if it is the same file.
func takeTurn(ctx context.Context, path string, db fs.FileInfo) (*turn, error) {
	t := &turn{path, db, make(chan struct{})}
	for {
		before := t.enter()
		if before == nil {
			return t, nil
		}
		select {
		case <-before.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter begins a turn, or returns the one that has to end first.
func (t *turn) enter() (before *turn) {
	turns.Lock()
	defer turns.Unlock()
	i := slices.IndexFunc(turns.taken, func(o *turn) bool { return o.path == t.path || os.SameFile(o.db, t.db) })
	if i >= 0 {
		return turns.taken[i]
	}
	turns.taken = append(turns.taken, t)
	return nil
}

func (t *turn) end() {
	turns.Lock()
	defer turns.Unlock()
	turns.taken = slices.DeleteFunc(turns.taken, func(o *turn) bool { return o == t })
	close(t.over)
}
