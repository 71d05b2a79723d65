// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
)

// calls are the series of the calls for decisions and for changes.
type calls struct {
	decisions decisions
	changes   *prometheus.CounterVec
}

func newCalls(c Config) calls {
	m := calls{
		decisions: newDecisions(),
		changes:   counters("changes_total", "Calls for a change, by method and by how they ended.", "method", "outcome"),
	}
	for _, reason := range c.Errors {
		m.decisions.undecided(reason)
	}
	for _, method := range c.Changes {
		for _, outcome := range c.Outcomes {
			m.changes.WithLabelValues(method, outcome)
		}
	}
	return m
}

func (m *calls) all() []prometheus.Collector {
	return []prometheus.Collector{&m.decisions, m.changes}
}

// Decided counts a decision, which took so long. reason is zero if the request may pass. It allocates nothing.
func (m *calls) Decided(reason authz.Reason, took time.Duration) { m.decisions.count(reason, took) }

// Undecided counts a call for a decision that ended with an error of this reason.
func (m *calls) Undecided(reason string) { m.decisions.undecided(reason).Inc() }

// Changed counts a call for a change.
func (m *calls) Changed(method, outcome string) { m.changes.WithLabelValues(method, outcome).Inc() }

// reasonWords are the Reasons as the contract names them, in small letters.
var reasonWords = [...]string{
	0:                            "none",
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
