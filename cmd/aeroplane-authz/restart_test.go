// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

// TestAShortOutageIsNotSeen stops Postgres and starts it again within two seconds. Whoever asks what was asked before gets the
// answer all the while, and when the replica makes rounds again.
func TestAShortOutageIsNotSeen(t *testing.T) {
	t.Parallel()
	database := testservers.StartPostgres(t, testservers.Options{})
	flags := postgresFlags(t, database.NewDatabase(t))
	database.StopImmediately(t) // so that the next start need not sync all that a new server has
	database.Start(t)
	p, address := startOperated(t, flags...)
	_, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rounds := func(more int) {
		t.Helper()
		const series = `rounds_total{result="confirmed"}`
		before := scrape(t, address, series)
		await(t, "rounds", func() bool { return scrape(t, address, series) >= before+more })
	}
	for range 3 {
		rounds(1)
		p.mustAllow(t, secret, true)
		stop := p.keepAsking(t.Context(), secret)
		began := time.Now()
		database.StopImmediately(t)
		// The shorter it is away, the less is asked of the lease.
		await(t, "half a second to be over", func() bool { return time.Since(began) > time.Second/2 })
		database.Start(t)
		away := time.Since(began)
		rounds(3)
		err := stop()
		if away < 2*time.Second {
			if err != nil {
				t.Errorf("Postgres was away for %v: %v", away, err)
			}
			return
		}
		t.Logf("Postgres was away for %v, which is too long to tell", away)
	}
	t.Skip("this machine is so busy that Postgres takes two seconds to start again")
}

// keepAsking has two callers ask for a key that is good. stop ends that, and returns what they got that was no yes.
func (p *process) keepAsking(ctx context.Context, secret string) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	for range cap(ended) {
		go func() {
			for tick := time.Tick(2 * time.Millisecond); ctx.Err() == nil; <-tick {
				if allowed, err := p.allows(context.WithoutCancel(ctx), secret); err != nil || !allowed {
					ended <- fmt.Errorf("allowed is %v, %v", allowed, err)
					return
				}
			}
			ended <- nil
		}()
	}
	return func() error {
		cancel()
		return errors.Join(<-ended, <-ended)
	}
}
