// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// barrierBuckets are in seconds. Replicas that are well say so within milliseconds; one that says nothing is waited for
// some six seconds at most.
var barrierBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 7.5}

// The words that the fence uses.
var (
	abandonments = []string{"mismatch", "gap", "gone"}
	sources      = []string{"shelf", "database"}
	rejections   = []string{"early", "changed", "old", "foreign"}
	kinds        = []authz.SubjectKind{authz.OfKey, authz.OfService, authz.OfProject, authz.OfDeployment, authz.OfSession,
		authz.OfSlug, authz.OfUser}
)

// protocol are the series of what the fence tells of.
type protocol struct {
	rounds      *prometheus.CounterVec
	barrier     *prometheus.HistogramVec
	abandoned   *prometheus.CounterVec
	rejected    *prometheus.CounterVec
	reads       *prometheus.CounterVec
	unconfirmed prometheus.Counter
}

var _ fence.Observer = (*protocol)(nil)

func newProtocol() protocol {
	p := protocol{
		rounds: counters("rounds_total", "Rounds, by whether Postgres confirmed them.", "result"),
		barrier: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "barrier_seconds",
			Help:    "How long changes waited after their commit until they were in force on every replica, by how that was known.",
			Buckets: barrierBuckets}, []string{"how"}),
		abandoned: counters("generations_abandoned_total", "Times that the replica began anew with empty caches, by why.", "why"),
		rejected:  counters("records_rejected_total", "Records that were read and not used, by where they came from and why.", "source", "why"),
		reads:     counters("record_reads_total", "Records read from the database, by kind.", "kind"),
		unconfirmed: counter("unconfirmed_commits_total",
			"Changes whose commit the database did not confirm: they were made, or not."),
	}
	for _, confirmed := range []bool{true, false} {
		p.round(confirmed)
	}
	for _, how := range []authz.Barrier{authz.Acked, authz.Waited} {
		p.barrier.WithLabelValues(how.String())
	}
	for _, why := range abandonments {
		p.abandoned.WithLabelValues(why)
	}
	for _, source := range sources {
		for _, why := range rejections {
			p.rejected.WithLabelValues(source, why)
		}
	}
	for _, kind := range kinds {
		p.reads.WithLabelValues(kind.String())
	}
	return p
}

func (p *protocol) all() []prometheus.Collector {
	return []prometheus.Collector{p.rounds, p.barrier, p.abandoned, p.rejected, p.reads, p.unconfirmed}
}

// Round implements fence.Observer.
func (p *protocol) Round(confirmed bool) { p.round(confirmed).Inc() }

func (p *protocol) round(confirmed bool) prometheus.Counter {
	if confirmed {
		return p.rounds.WithLabelValues("confirmed")
	}
	return p.rounds.WithLabelValues("failed")
}

// Barrier implements fence.Observer.
func (p *protocol) Barrier(how authz.Barrier, took time.Duration) {
	p.barrier.WithLabelValues(how.String()).Observe(took.Seconds())
}

// Abandoned implements fence.Observer.
func (p *protocol) Abandoned(why string) { p.abandoned.WithLabelValues(why).Inc() }

// Rejected implements fence.Observer.
func (p *protocol) Rejected(source, why string) { p.rejected.WithLabelValues(source, why).Inc() }

// Read implements fence.Observer.
func (p *protocol) Read(kind authz.SubjectKind) { p.reads.WithLabelValues(kind.String()).Inc() }

// Unconfirmed implements fence.Observer.
func (p *protocol) Unconfirmed() { p.unconfirmed.Inc() }
