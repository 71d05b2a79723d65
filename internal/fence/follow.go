// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"time"

	"aeroplane.run/authz"
)

var _ authz.Follower = (*Store)(nil)

// Follow implements authz.Follower.
func (s *Store) Follow(ctx context.Context, seen authz.Revision) (now authz.Revision, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	another := func() bool {
		g := s.loop.current.Load()
		if g == nil {
			return false
		}
		now = *g.applied.Load()
		return now != seen
	}
	for !s.loop.moved.await(ctx, time.Hour, another) {
		if ctx.Err() != nil {
			return authz.Revision{}, lapsed(ctx)
		}
	}
	return now, nil
}
