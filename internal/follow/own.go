// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"context"

	"aeroplane.run/authz"
)

// Own is the Target in this process.
type Own struct {
	*authz.Syncer
}

var follower = authz.Actor{Role: authz.CallerRoleSystem, TokenName: "follow"}

// Whole makes what is kept what an inventory says.
func (o Own) Whole(ctx context.Context, r authz.SyncRequest, in *authz.Inventory) (authz.SyncResult, error) {
	return o.Syncer.Whole(ctx, follower, r, in)
}

// Step makes what is kept what Aeroplane says now.
func (o Own) Step(ctx context.Context, after int64, r authz.SyncRequest, d *authz.Delta) (authz.SyncResult, error) {
	return o.Syncer.Step(ctx, follower, after, r, d)
}
