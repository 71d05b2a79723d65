// SPDX-License-Identifier: Apache-2.0

package embedded

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/replica"
	"aeroplane.run/authz/resolver"
)

// Options are what does not depend on the database. The zero Options will do.
type Options struct {
	// Routes is the route table. Nil: Aeroplane's own, resolver.Default. All replicas are to have the same.
	Routes *resolver.Table
	// MaxRecords bounds how many records are kept of keys, services and so on, some 300 bytes each. Zero: 1,000,000.
	MaxRecords int
	// Logger is told of changes of state: a lease that is lost, a Redis that does not answer. Nil: nobody is.
	Logger *slog.Logger
	// Metrics is where the series of docs/metrics.md are registered until Close, but for those about calls for changes, the
	// process, and the build. Nil: nothing is counted, which saves two readings of a clock for each decision.
	Metrics prometheus.Registerer
}

// A Replica decides. Its methods may be called at once.
type Replica struct {
	authorizer *authz.Authorizer
	store      *replica.Replica
	counts     *counts // nil: nothing is counted
	closed     atomic.Bool
	close      func() error // once
}

// open opens what c says, with the options.
func open(ctx context.Context, c replica.Config, o Options) (*Replica, error) {
	counts := newCounts(o.Metrics)
	c.MaxRecords, c.Logger, c.Metrics = o.MaxRecords, o.Logger, counts.metrics()
	store, err := replica.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := counts.register(); err != nil {
		_ = store.Close() // nothing was done with it
		return nil, err
	}
	routes := o.Routes
	if routes == nil {
		routes = resolver.Default()
	}
	r := &Replica{authorizer: store.Authorizer(routes), store: store, counts: counts}
	r.close = sync.OnceValue(func() error {
		r.closed.Store(true)
		counts.unregister()
		return store.Close()
	})
	return r, nil
}

// Authorize decides on one request, as its client sent it. A denial is a Decision, with a Reason that has the status and the text
// to answer with. It allocates nothing where all that it needs is in memory, and else waits for the database as long as ctx
// allows, a second or two at most.
//
// An error means that no decision was reached, and nothing may pass. All are Unavailable, but for FailedPrecondition: the
// revision that Request.Consistency names is not of this database's history. After Close there are no decisions.
func (r *Replica) Authorize(ctx context.Context, q authz.Request) (authz.Decision, error) {
	if r.closed.Load() {
		return authz.Decision{}, errClosed
	}
	if r.counts != nil {
		return r.counts.authorize(ctx, r.authorizer, q)
	}
	return r.authorizer.Authorize(ctx, q)
}

// Ready reports whether the replica decides: whether it has a lease, or, on the embedded database, whether that answers. The
// errors are Unavailable. For a moment after Join it waits for the first lease, and so does Authorize.
func (r *Replica) Ready(ctx context.Context) error {
	if r.closed.Load() {
		return errClosed
	}
	return r.store.Ping(ctx)
}

// Close ends it: no decision begins any more, the last times of use are written, which may take five seconds, the lease is given
// up, the other replicas are left, and the database is closed. What goes on in the background has ended when it returns. A
// second call returns what the first one did.
func (r *Replica) Close() error { return r.close() }

var errClosed error = &authz.Error{Kind: authz.Unavailable, Message: "this replica was closed"}
