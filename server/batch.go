// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
)

const (
	// maxBatch bounds the requests of one BatchAuthorize.
	maxBatch = 1000
	// maxTogether bounds how many requests of one batch wait for something at a time.
	maxTogether = 64
)

func (s *authorizationService) handleBatch(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	b := batches.Get().(*batch)
	if err := read(b); err != nil {
		return nil, err
	}
	a, err := s.batchAuthorize(ctx, b)
	b.release()
	return a, err
}

// batchAuthorize answers all requests of a batch.
func (s *authorizationService) batchAuthorize(ctx context.Context, b *batch) (a *answer, err error) {
	defer s.guard.end(ctx, batchMethod, &err)
	if b.refused != nil {
		return nil, b.refused
	}
	s.decideAll(ctx, batchMethod, b)
	return newBatchAnswer(b.results), nil
}

// decideAll first decides on all that can be decided on at once, and then lets the others wait side by side.
func (d *decider) decideAll(ctx context.Context, method string, b *batch) {
	var waiting []int
	for i := range b.questions {
		if !d.decideOne(ctx, method, &b.questions[i], true, &b.results[i]) {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) > 0 {
		d.decideWaiting(ctx, method, b, waiting)
	}
}

// decideWaiting decides on requests that have to wait for something, some of them at a time and none of them for longer than maxWait.
func (d *decider) decideWaiting(ctx context.Context, method string, b *batch, waiting []int) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(len(waiting), maxTogether) {
		running.Go(func() {
			for n := next.Add(1); int(n) <= len(waiting); n = next.Add(1) {
				i := waiting[n-1]
				d.decideOne(ctx, method, &b.questions[i], false, &b.results[i])
			}
		})
	}
	running.Wait()
}
