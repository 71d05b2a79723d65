// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"
	"time"
)

// A Report is what an examination came to. It holds no credential.
type Report struct {
	Gateway string `json:"gateway"`
	// Run is in the User-Agent of every request, for whoever looks for them in logs.
	Run      string        `json:"run"`
	Requests int           `json:"requests"` // that were sent, but for probes
	Arrived  int           `json:"arrived"`  // of those, how many did
	Skipped  int           `json:"skipped"`  // cases that need a session, where there is none
	Took     time.Duration `json:"-"`
	Faults   int           `json:"faults"`
	Warnings int           `json:"warnings"`
	Notes    int           `json:"notes"`
	// Findings are sorted by severity, and else in the order in which cases were sent.
	Findings []Finding `json:"findings"`
	// Groups are those with findings.
	Groups []Tried `json:"groups"`
}

// Tried says of a group of the corpus what it tries.
type Tried struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Clean reports whether there are no faults.
func (r *Report) Clean() bool { return r.Faults == 0 }

// severities are in the order of a report.
var severities = []Severity{Fault, Warning, Note}

func (x *examination) report(corpus []Group, seen []*observation, took time.Duration) *Report {
	r := &Report{Gateway: x.Gateway.String(), Run: x.nonce, Requests: len(seen), Took: took, Findings: []Finding{}, Groups: []Tried{}}
	h := x.habits(seen)
	if !h.identity && !x.NoIdentityHeaders {
		r.Findings = append(r.Findings, Finding{Fault, Forged, corpus[0].Name, "all that arrived",
			"no identity header arrived with any request; if the upstream is told in another way who is calling, say so with --no-identity-headers"})
	}
	for _, g := range corpus {
		r.Skipped += len(g.Cases)
	}
	r.Skipped -= len(seen)
	for _, o := range seen {
		r.Arrived += min(1, len(o.arrivals))
		r.Findings = append(r.Findings, o.judge(h)...)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	r.count(corpus)
	return r
}

func (r *Report) count(corpus []Group) {
	for _, f := range r.Findings {
		switch f.Severity {
		case Fault:
			r.Faults++
		case Warning:
			r.Warnings++
		case Note:
			r.Notes++
		}
	}
	for _, g := range corpus {
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Group == g.Name }) {
			r.Groups = append(r.Groups, Tried{g.Name, g.Why})
		}
	}
}
