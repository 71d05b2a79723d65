// SPDX-License-Identifier: Apache-2.0

package embedded

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/metrics"
)

// The reasons of errors that have no code, as docs/errors.md has them.
const (
	unavailable = "UNAVAILABLE"
	internal    = "INTERNAL"
)

// counts are what is counted. They are in a registry of their own, which is registered with that of the process as one
// collector: so it takes them all, or none, and lets go of them again.
type counts struct {
	*metrics.Metrics
	own     *prometheus.Registry
	with    prometheus.Registerer
	started time.Time // what durations are measured from: to read the wall clock takes longer
}

// newCounts returns nil where nothing is to be counted.
func newCounts(with prometheus.Registerer) *counts {
	if with == nil {
		return nil
	}
	own := prometheus.NewRegistry()
	return &counts{own: own, with: with, started: time.Now(), Metrics: metrics.New(metrics.Config{Registry: own, Errors: []string{
		authz.CodeStoreUnavailable, authz.CodeDiskFull, authz.CodeLease, authz.CodeRevisionUnknown, authz.CodeOverloaded, unavailable, internal,
	}})}
}

func (c *counts) metrics() *metrics.Metrics {
	if c == nil {
		return nil
	}
	return c.Metrics
}

// register is called when all is known that is to be scraped.
func (c *counts) register() error {
	if c == nil {
		return nil
	}
	if err := c.with.Register(c.own); err != nil {
		return authz.Errorf(authz.FailedPrecondition, "the metrics cannot be registered, perhaps because those of another replica are").
			Because(err)
	}
	return nil
}

func (c *counts) unregister() {
	if c != nil {
		c.with.Unregister(c.own)
	}
}

// authorize decides, and counts that.
func (c *counts) authorize(ctx context.Context, a *authz.Authorizer, q authz.Request) (authz.Decision, error) {
	begun := time.Since(c.started)
	d, err := a.Authorize(ctx, q)
	switch {
	case err == nil:
		c.Decided(d.Reason, time.Since(c.started)-begun)
	case err != authz.ErrNotAtOnce: // which is asked again
		c.Undecided(reasonOf(err))
	}
	return d, err
}

func reasonOf(err error) string {
	var e *authz.Error
	if !errors.As(err, &e) || e.Kind == authz.Internal {
		return internal
	}
	return cmp.Or(e.Code, unavailable)
}
