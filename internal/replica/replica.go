// SPDX-License-Identifier: Apache-2.0

// Package replica puts together what decides: a database, the fence in front of it, Redis beside it, and what goes on in the
// background. The service opens doors to it; package embedded is it without doors.
package replica

import (
	"context"
	"sync"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/resolver"
)

// How often what runs beside the calls runs.
const (
	useInterval   = time.Minute // last-used times are written; behind time by at most this
	flushGrace    = 5 * time.Second
	sweepInterval = time.Hour
)

// A Replica is a store that decisions can be made on, and who notes for it when keys were used.
type Replica struct {
	*fence.Store
	uses       *authz.UseRecorder
	closeShelf func()
	end        context.CancelFunc
	running    sync.WaitGroup
}

// Open opens a replica. It does not wait for a lease. Errors are those of the database's package, and FailedPrecondition where
// the Config is wrong.
func Open(ctx context.Context, c Config) (*Replica, error) {
	sync := new(syncWatch)
	store, closeShelf, err := c.open(ctx, metrics.Sources{Sync: sync.last})
	if err != nil {
		return nil, err
	}
	log := c.logger()
	r := &Replica{Store: store, uses: authz.NewUseRecorder(store, log), closeShelf: closeShelf}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the calls
	r.end = end
	r.running.Go(func() { r.uses.Run(life, useInterval, flushGrace) })
	if c.Retention != nil {
		r.running.Go(func() { c.Retention.Run(life, store, sweepInterval, log) })
	}
	if c.WatchSync {
		r.running.Go(func() { sync.run(life, store) })
	}
	return r, nil
}

// Authorizer returns what decides by a route table, and notes uses.
func (r *Replica) Authorizer(routes *resolver.Table) *authz.Authorizer {
	return &authz.Authorizer{Routes: routes, Facts: r.Store, Used: r.uses.Used}
}

// Close writes last-used times once more, gives up the lease, leaves the members, and closes the database. What ran in the
// background has ended when it returns.
func (r *Replica) Close() error {
	r.end()
	r.running.Wait()
	defer r.closeShelf()
	return r.Store.Close()
}
