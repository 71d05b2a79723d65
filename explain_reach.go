// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"

	"aeroplane.run/authz/resolver"
)

// who names the caller.
func (s *story) who() string {
	if s.caller.Key != nil {
		return "the key"
	}
	return "the session"
}

// subject names what the path is about.
func (s *story) subject() string {
	switch s.query.Scope {
	case resolver.ProjectSlug:
		return "project with the slug " + s.query.ID
	case resolver.Service, resolver.ServiceTransfer:
		return "service " + s.query.ID
	case resolver.Deployment:
		return "deployment " + s.query.ID
	}
	return "project " + s.query.ID
}

// leads says which project the path leads to.
func (s *story) leads() string {
	switch s.query.Scope {
	case resolver.Project:
		return "the path is about project " + s.project.ID
	case resolver.ProjectSlug:
		return "the slug " + s.query.ID + " is that of project " + s.project.ID
	}
	return s.subject() + " is in project " + s.project.ID
}

// selection says what a key for selected projects selects.
func (s *story) selection() string {
	if ids := s.caller.Key.Projects.IDs; len(ids) > 0 {
		return "the key selects " + listed(ids)
	}
	return "the key selects no project any more"
}

// within tells of what the path leads to where that is no reason to refuse.
func (s *story) within() (CheckOutcome, string) {
	if why := s.exempt(); why != "" {
		return NotNeeded, why
	}
	switch s.route.Scope {
	case resolver.Nothing:
		return NotNeeded, "the row reaches no project"
	case resolver.ProjectCreate:
		return Passed, s.who() + " may create projects"
	case resolver.ProjectList:
		switch seen := s.decision.Grant.Visible; {
		case seen.All:
			return Passed, "a list shows what the caller may see: all projects"
		case len(seen.IDs) == 0:
			return Passed, "a list shows what the caller may see: no project"
		default:
			return Passed, "a list shows what the caller may see: " + listed(seen.IDs)
		}
	}
	if s.project == nil {
		return Passed, s.notThere() + ", which a key for all projects without a user may ask for: the upstream answers 404"
	}
	return Passed, s.leads() + ", which " + s.who() + " reaches"
}

// targetWithin tells the same of where a service is transferred to.
func (s *story) targetWithin() (CheckOutcome, string) {
	if why := s.exempt(); why != "" {
		return NotNeeded, why
	}
	switch {
	case s.route.Scope != resolver.ServiceTransfer:
		return NotNeeded, "nothing is transferred"
	case s.query.TransferTo == nil:
		return Passed, "where the service is transferred to is not named: the upstream has to check it"
	case s.target == nil:
		return Passed, s.noTarget() + ", which a key for all projects without a user may ask for"
	}
	return Passed, "the service is transferred to project " + s.target.ID + ", which " + s.who() + " reaches"
}

func (s *story) creates() (string, []string) {
	return s.selection() + ", and a key for selected projects creates none", []string{"create a key for all projects"}
}

func (s *story) outsideProject() (string, []string) {
	why, remedies := s.outside(*s.project)
	return s.leads() + "; " + why, remedies
}

func (s *story) outsideTarget() (string, []string) {
	why, remedies := s.outside(*s.target)
	return "the service is transferred to project " + s.target.ID + "; " + why, remedies
}

// outside says why the caller does not reach a project, and how to come by it.
func (s *story) outside(p ProjectRef) (why string, remedies []string) {
	var facts []string
	if s.caller.selective() {
		facts = []string{s.selection()}
	}
	if s.caller.mayHave(p) {
		remedies = []string{"create a key that selects " + p.ID + " too: what a key selects cannot be added to"}
		return strings.Join(facts, "; "), remedies
	}
	user := s.caller.UserID()
	whose, first := "user "+p.OwnerID+"'s", "use a key or a session of user "+p.OwnerID
	if p.OwnerID == "" {
		whose, first = "nobody's", ownersAlone
	}
	facts = append(facts, fmt.Sprintf("project %s is %s, and %s acts for user %s", p.ID, whose, s.who(), user))
	return strings.Join(facts, "; "), []string{first, give(p, user)}
}

// What may be done about a project that is not the caller's.
const ownersAlone = "have an owner do it, in a browser session: nobody else reaches what is nobody's"

func give(p ProjectRef, user string) string {
	return fmt.Sprintf("give project %s to user %s in Aeroplane", p.ID, user)
}
