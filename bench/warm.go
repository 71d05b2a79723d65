// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// askAll asks a server every question once, the first time, so that whatever they need is in memory.
func (b *bench) askAll(c *contestant, q *questions) {
	b.Helper()
	b.askAllBy(64, c, q)
}

// askAllBy is askAll by so many callers.
func (b *bench) askAllBy(callers int, c *contestant, q *questions) {
	b.Helper()
	if c.asked[q] || c.empty {
		return
	}
	c.asked[q] = true
	b.say("asking %s everything once, %s", c.name, q.name)
	var again atomic.Int64
	errs := make([]error, callers)
	var asking sync.WaitGroup
	for i := range callers {
		client := authzv1.NewAuthorizationServiceClient(c.gateway[i%len(c.gateway)])
		asking.Go(func() {
			for at := i; at < len(q.all) && errs[i] == nil; at += callers {
				errs[i] = askUntil(b.Context(), client, c, &q.all[at], &again)
			}
		})
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
	}
	if n := again.Load(); n > 0 {
		b.say("%s was UNAVAILABLE to %d of %d, which were asked again", c.name, n, len(q.all))
	}
}

// askUntil asks again while the server says that it has too much to do, as it may before it has all in memory.
func askUntil(ctx context.Context, client authzv1.AuthorizationServiceClient, c *contestant, q *question, again *atomic.Int64) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := askOne(ctx, client, c, q)
		if status.Code(err) != codes.Unavailable || time.Now().After(deadline) {
			return err
		}
		again.Add(1)
	}
}

func askOne(ctx context.Context, client authzv1.AuthorizationServiceClient, c *contestant, q *question) error {
	answer, err := client.Authorize(ctx, q.request)
	if err != nil {
		return err
	}
	return c.check(q, answer)
}
