// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// A story is a decision, and what an explanation of it is told from. Where there is a Reader, nothing is in it that they must not know,
// once it is read: whatever is told of it afterwards gives nothing away.
type story struct {
	request  *ExplainRequest
	decision Decision
	key      *Key
	query    Query // zero where nothing was looked up
	facts    Facts

	route  *resolver.Route // nil: it never got so far
	why    string          // that row and no other
	meant  string          // the path that a malformed one most likely is a spelling of, if that is plain
	caller Principal       // whom the facts know of, good or not
	// project is what the path leads to; target what a transfer leads to. Nil: it is not known.
	project, target *ProjectRef
	bearers         []ProjectRef // of a slug that does not lead to a project of the caller's
}

// read finds out what the rest is told from.
func (s *story) read(routes *resolver.Table) {
	path, _, _ := strings.Cut(s.request.Target, "?")
	if s.decision.Route != 0 {
		method, _ := resolver.MethodOf(s.request.Method)
		for _, c := range routes.Explain(method, path) {
			if c.Applies {
				s.route, s.why = &c.Route, c.Why
			}
		}
	}
	if s.decision.Reason == MalformedPath {
		s.meant, _ = routes.Respell(s.request.Target)
	}
	s.caller = Principal{Key: s.facts.Key, Session: s.facts.Session}
	if s.query.Scope != resolver.ProjectList {
		if project, known := target(s.query.Scope, s.caller, &s.facts); known {
			s.project = &project
		} else {
			s.bearers = append(s.bearers, s.facts.Projects...)
			s.bearers = append(s.bearers, s.facts.Unowned...)
		}
	}
	s.target = s.facts.TransferTo
	if s.request.Reader != nil {
		s.veil()
	}
}

// veil takes away what a Reader must not know to exist: what is out of reach, and not theirs. What was decided is the same for what is not
// known at all.
func (s *story) veil() {
	hidden := func(p *ProjectRef) bool {
		return p != nil && !s.caller.reaches(*p) && p.OwnerID != *s.request.Reader
	}
	if hidden(s.project) {
		s.project = nil
		if s.decision.Detail == notCallers {
			s.decision.Detail = unknownOf + s.query.Scope.String()
		}
	}
	if hidden(s.target) {
		s.target = nil
		if s.decision.Detail == targetNotCallers {
			s.decision.Detail = targetUnknown
		}
	}
	s.bearers, s.facts = nil, Facts{Now: s.facts.Now} // whose remainder nothing is told from
}

// tell tells the story.
func (s *story) tell() Explanation {
	e := Explanation{Decision: s.decision, Route: s.route, Key: s.key}
	row := s.row()
	refused := false
	for name := CheckMethod; name < numChecks; name++ {
		c := Check{Name: name}
		switch {
		case refused:
			c.Outcome, c.Text = NotReached, "the request was refused before"
		case !s.decision.Allowed && name == row.check:
			refused, c.Outcome = true, Refused
			c.Text, e.Remedies = row.tell(s)
		default:
			c.Outcome, c.Text = passing[name](s)
		}
		c.Text = apikey.Redact(c.Text)
		e.Checks = append(e.Checks, c)
	}
	for i, remedy := range e.Remedies {
		e.Remedies[i] = apikey.Redact(remedy)
	}
	return e
}
