// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
)

// decisionBuckets are in seconds. A decision on what is kept takes the shortest of them, one that reads the database some
// milliseconds, and none is waited for longer than the longest.
var decisionBuckets = []float64{
	10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1,
}

// calls are the series of the calls for decisions and for changes.
type calls struct {
	// decided are the counters of decisions by Reason, the first of those that are allowed. A label is looked up for none.
	decided   []prometheus.Counter
	decisions *prometheus.CounterVec // to which they belong
	took      prometheus.Histogram
	changes   *prometheus.CounterVec
}

func newCalls(c Config) calls {
	m := calls{
		decisions: counters("decisions_total", "Calls for a decision, by how they ended.", "result", "reason"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + "decision_duration_seconds",
			Help: "How long decisions took, from the message read to the answer made.", Buckets: decisionBuckets}),
		changes: counters("changes_total", "Calls for a change, by method and by how they ended.", "method", "outcome"),
	}
	m.decided = []prometheus.Counter{m.decisions.WithLabelValues("allowed", "none")}
	for _, r := range authz.Reasons() {
		m.decided = append(m.decided, m.decisions.WithLabelValues("denied", reasonWords[r]))
	}
	for _, reason := range c.Errors {
		m.undecided(reason)
	}
	for _, method := range c.Changes {
		for _, outcome := range c.Outcomes {
			m.changes.WithLabelValues(method, outcome)
		}
	}
	return m
}

func (m *calls) all() []prometheus.Collector {
	return []prometheus.Collector{m.decisions, m.took, m.changes}
}

// Decided counts a decision, which took so long. reason is zero if the request may pass. It allocates nothing.
func (m *calls) Decided(reason authz.Reason, took time.Duration) {
	m.decided[reason].Inc()
	m.took.Observe(took.Seconds())
}

// Undecided counts a call for a decision that ended with an error of this reason.
func (m *calls) Undecided(reason string) { m.undecided(reason).Inc() }

func (m *calls) undecided(reason string) prometheus.Counter {
	return m.decisions.WithLabelValues("error", strings.ToLower(reason))
}

// Changed counts a call for a change.
func (m *calls) Changed(method, outcome string) { m.changes.WithLabelValues(method, outcome).Inc() }

// reasonWords are the Reasons as the contract names them, in small letters.
var reasonWords = [...]string{
	authz.MethodNotAllowed:       "method_not_allowed",
	authz.MalformedPath:          "malformed_path",
	authz.InvalidKey:             "invalid_key",
	authz.AuthenticationRequired: "authentication_required",
	authz.BrowserSessionRequired: "browser_session_required",
	authz.OwnerRequired:          "owner_required",
	authz.ReadOnlyKey:            "read_only_key",
	authz.KeyOutOfScope:          "key_out_of_scope",
	authz.SessionOutOfScope:      "session_out_of_scope",
}
