// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"google.golang.org/grpc"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// TestTheClockDoesNotWait asks for as much as is due, whether or not there are answers.
func TestTheClockDoesNotWait(t *testing.T) {
	const rate, d = 2000, 50 * time.Millisecond
	q := newQuestions(newWorld(100, 0), 2000, false)
	due := func(n int) bool { return n > 90 && n < 110 }

	r := openLoop(t.Context(), inProcess(t, &authzv1.AuthorizeResponse{Allowed: true}), q, rate, d)
	if !due(r.answers) || r.decisions != r.answers || r.latency.count() != r.answers || r.failures > 0 {
		t.Errorf("%d answers, %d decisions, %d durations, %d failures", r.answers, r.decisions, r.latency.count(), r.failures)
	}
	nobody := &contestant{gateway: []*grpc.ClientConn{dial(t, "127.0.0.1:1", gatewayToken)}}
	if r := openLoop(t.Context(), nobody, q, rate, d); !due(r.failures) || r.answers > 0 || r.failure == nil {
		t.Errorf("%d failures, %v, and %d answers", r.failures, r.failure, r.answers)
	}
}
