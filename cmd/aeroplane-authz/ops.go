// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/internal/ops"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/server"
)

// newMetrics returns the counters of one server, in a registry of their own.
func newMetrics() *metrics.Metrics {
	b := thisBuild()
	return metrics.New(metrics.Config{
		Registry: prometheus.NewRegistry(),
		Errors:   server.ErrorReasons(), Changes: server.Changes(), Outcomes: server.Outcomes(),
		Build: &metrics.Build{Version: b.Version, Commit: b.Commit, Go: b.Go},
	})
}

// serveOps answers scrapes and probes on l, unless that is nil, until the result is called: also while s drains.
func serveOps(l net.Listener, m *metrics.Metrics, s *server.Server, v *settings.Settings, log *slog.Logger) (end func()) {
	if l == nil {
		return func() {}
	}
	if v.InsecureOps {
		log.Warn("insecure-ops is set: whoever reaches the address can read the metrics", "address", l.Addr().String())
	}
	log.Info("metrics and probes are answered", "address", l.Addr().String())
	o := ops.Serve(l, ops.Config{Metrics: m.Handler(log), Ready: s.Ready, Log: log})
	return func() {
		if err := o.Close(); err != nil {
			log.Warn("closing the listener of metrics and probes", "error", err)
		}
	}
}
