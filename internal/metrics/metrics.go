// SPDX-License-Identifier: Apache-2.0

// Package metrics counts what happens, for Prometheus. docs/metrics.md lists the series, and tells what each is good for.
//
// A Metrics is an observer of the doors and of the fence: they tell it what happened. What can be read at any time (the
// lease, what is kept, the pool, Redis) is read when somebody scrapes. Begin with New, then Watch, then Handler.
//
// Every series is there from the start, at zero: a counter that appears with its first event has no increase to alarm on. No
// label holds what a caller sent, or what grows with the number of keys, users or projects.
package metrics

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config says what to count.
type Config struct {
	// Registry is where the series are registered. It is required, and holds none of ours yet.
	Registry *prometheus.Registry
	// Errors are the reasons that an error of the service may have, as STORE_UNAVAILABLE.
	Errors []string
	// Changes are the methods that make changes, by their short names, and Outcomes how such a call may end.
	Changes, Outcomes []string
	// Build is which program this is. Nil: whoever runs in the same process tells of that, and of the process, themselves.
	Build *Build
}

// A Build is which program this is. What is not known is empty.
type Build struct{ Version, Commit, Go string }

// Metrics are the counters. All methods may be called at once.
type Metrics struct {
	calls
	protocol
	registry *prometheus.Registry
}

// New registers the series in the registry.
func New(c Config) *Metrics {
	m := &Metrics{calls: newCalls(c), protocol: newProtocol(), registry: c.Registry}
	if c.Build != nil {
		build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "build_info",
			Help: "Always 1; the labels say which program this is."}, []string{"version", "commit", "go"})
		build.WithLabelValues(c.Build.Version, c.Build.Commit, c.Build.Go).Set(1)
		c.Registry.MustRegister(build, collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	c.Registry.MustRegister(m.calls.all()...)
	c.Registry.MustRegister(m.protocol.all()...)
	return m
}

// prefix begins the name of every series of ours.
const prefix = "aeroplane_authz_"

// maxScrapes bounds the scrapes at a time. Further ones are answered 503.
const maxScrapes = 4

// Handler answers scrapes. What cannot be read is left out and logged. A nil log is none.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	})
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
}
