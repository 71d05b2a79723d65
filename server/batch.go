// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
	"sync/atomic"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

const (
	// maxBatch bounds the requests of one BatchAuthorize.
	maxBatch = 1000
	// maxTogether bounds how many requests of one batch wait for something at a time.
	maxTogether = 64
)

// BatchAuthorize first answers all that can be answered at once, and then lets the others wait side by side.
func (s *authorizationService) BatchAuthorize(ctx context.Context, in *authzv1.BatchAuthorizeRequest) (
	*authzv1.BatchAuthorizeResponse, error) {
	if err := refuseUnknownOf(in.ProtoReflect(), ""); err != nil {
		return nil, err
	}
	requests := in.GetRequests()
	if len(requests) == 0 || len(requests) > maxBatch {
		return nil, invalid("requests", "must be 1 to %d, not %d", maxBatch, len(requests))
	}
	results := make([]result, len(requests))
	var waiting []int
	for i, r := range requests {
		if !s.decideOne(ctx, batchMethod, r, true, &results[i]) {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) > 0 {
		s.decideWaiting(ctx, requests, waiting, results)
	}
	out := &authzv1.BatchAuthorizeResponse{Results: make([]*authzv1.AuthorizeResult, len(results))}
	for i := range results {
		out.Results[i] = &results[i].message
	}
	return out, nil
}

// decideWaiting decides on requests that have to wait for something, some of them at a time and none of them for longer than maxWait.
func (s *authorizationService) decideWaiting(ctx context.Context, requests []*authzv1.AuthorizeRequest, waiting []int, results []result) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(len(waiting), maxTogether) {
		running.Go(func() {
			for n := next.Add(1); int(n) <= len(waiting); n = next.Add(1) {
				i := waiting[n-1]
				s.decideOne(ctx, batchMethod, requests[i], false, &results[i])
			}
		})
	}
	running.Wait()
}

const batchMethod = authzv1.AuthorizationService_BatchAuthorize_FullMethodName
