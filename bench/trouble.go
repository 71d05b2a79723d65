// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"

	"aeroplane.run/authz/bench/empty"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A trouble is what happens while decisions are made, which should not have to wait for it.
type trouble struct {
	name    string
	against string // what it is compared with
	// postgres says that there must be Postgres and Redis.
	postgres bool
	// happen lets it happen until ctx ends, which is after d.
	happen func(ctx context.Context, b *bench, c *contestant, d time.Duration)
}

// quiet is no trouble.
var quiet = trouble{"quiet", "empty, " + empty.Tuned, false, func(ctx context.Context, _ *bench, _ *contestant, _ time.Duration) {
	<-ctx.Done()
}}

// troubles are those whose tails are measured.
var troubles = []trouble{
	quiet,
	{"a RevokeKey every 10 ms", "quiet", false, revoking},
	{"a CreateKey every 10 ms", "quiet", false, creating},
	{"Redis stopped", "quiet", true, func(ctx context.Context, b *bench, _ *contestant, _ time.Duration) {
		b.redis.Freeze(b)
		defer b.redis.Thaw(b)
		<-ctx.Done()
	}},
	{"Postgres stopped for 1.5 s", "quiet", true, func(ctx context.Context, b *bench, _ *contestant, d time.Duration) {
		const stopped = 1500 * time.Millisecond
		sleepUntil(ctx, time.Now().Add(warmUp(d)+(d-stopped)/2))
		b.postgres.Freeze(b)
		defer b.postgres.Thaw(b)
		sleepUntil(ctx, time.Now().Add(stopped))
	}},
}

func revoking(ctx context.Context, b *bench, c *contestant, _ time.Duration) {
	keys := authzv1.NewKeyServiceClient(c.admin)
	b.every(ctx, 10*time.Millisecond, func(ctx context.Context) error {
		_, err := keys.RevokeKey(ctx, &authzv1.RevokeKeyRequest{Id: b.world.takeSpare().ID})
		return err
	})
}

func creating(ctx context.Context, b *bench, c *contestant, _ time.Duration) {
	keys := authzv1.NewKeyServiceClient(c.admin)
	request := &authzv1.CreateKeyRequest{
		Name: "bench", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ, Projects: &authzv1.ProjectScope{All: true},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	}
	b.every(ctx, 10*time.Millisecond, func(ctx context.Context) error {
		_, err := keys.CreateKey(ctx, request)
		return err
	})
}

// every makes a change every so often until ctx ends, also while earlier ones are not answered. Those are then waited for.
func (b *bench) every(ctx context.Context, interval time.Duration, change func(context.Context) error) {
	b.Helper()
	var changing sync.WaitGroup
	var failed sync.Once
	var failure error
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticks.C:
			changing.Go(func() {
				if err := change(b.Context()); err != nil {
					failed.Do(func() { failure = err })
				}
			})
		}
	}
	changing.Wait()
	if failure != nil && b.Context().Err() == nil {
		b.Fatal(failure)
	}
}
