// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"

	"aeroplane.run/authz/resolver"
)

// What is told of what is not known. To a Reader it is the same of what is not theirs.

// notThere says that the path leads nowhere.
func (s *story) notThere() string {
	switch id := s.query.ID; {
	case id == "" && s.query.Scope == resolver.ProjectSlug:
		return "what the path has for a slug cannot be one"
	case id == "":
		return "what the path has for an id cannot be one"
	case s.request.Reader != nil:
		return fmt.Sprintf("there is no %s that %s reaches", s.subject(), s.who())
	case s.query.Scope == resolver.ProjectSlug:
		return s.noSlug()
	case s.query.Scope == resolver.Service, s.query.Scope == resolver.ServiceTransfer:
		return "the catalog has no " + s.subject() + ", or not the project that it is in"
	case s.query.Scope == resolver.Deployment:
		return "the catalog has no " + s.subject() + ", or not the service or the project that it is in"
	}
	return "the catalog has no " + s.subject()
}

// noSlug is notThere for a slug: it may be known, and lead to nothing of the caller's.
func (s *story) noSlug() string {
	switch user := s.caller.UserID(); {
	case user == "" && len(s.bearers) > 1:
		return "more than one project bears the slug " + s.query.ID + ", and " + s.who() + " has no user who would tell which is meant"
	case user == "":
		return "no project of the catalog bears the slug " + s.query.ID
	case len(s.bearers) > 0:
		return fmt.Sprintf("no project of user %s bears the slug %s, but project %s, which is nobody's", user, s.query.ID, s.bearers[0].ID)
	default:
		return fmt.Sprintf("no project of user %s bears the slug %s", user, s.query.ID)
	}
}

func (s *story) unknownProject() (string, []string) {
	text, noun := s.notThere(), "id"
	if s.query.Scope == resolver.ProjectSlug {
		noun = "slug"
	}
	switch id := s.query.ID; {
	case id == "":
		return text, []string{"check the path: an id or a slug holds letters, digits and - . _ ~, and nothing else"}
	case len(s.bearers) > 1:
		return text, []string{"ask for the project by its id, or use a key of its owner's"}
	case len(s.bearers) == 1:
		return text, []string{ownersAlone, give(s.bearers[0], s.caller.UserID())}
	default:
		return text, s.check(noun, id)
	}
}

// check says what to do about an id that leads nowhere.
func (s *story) check(noun, id string) []string {
	if s.request.Reader != nil {
		return []string{fmt.Sprintf("check the %s %s: it may be mistyped, not yours, or too new to be known here", noun, id)}
	}
	return []string{fmt.Sprintf("check the %s %s", noun, id),
		"if Aeroplane has it, bring the catalog up to date: `aeroplane-authz doctor` says whether Aeroplane is followed"}
}

func (s *story) unnamedTarget() (string, []string) {
	return "where the service is transferred to is not named, and " + s.selection(), []string{
		"name the project that the body of the request names: the gateway has to read it there",
		"use a key for all projects: then the upstream checks that project"}
}

// noTarget says that nobody knows where a service is transferred to.
func (s *story) noTarget() string {
	switch id := *s.query.TransferTo; {
	case id == "":
		return "what is named to transfer to cannot be the id of a project"
	case s.request.Reader != nil:
		return "there is no project " + id + " to transfer to that " + s.who() + " reaches"
	default:
		return "the catalog has no project " + id + " to transfer to"
	}
}

func (s *story) unknownTarget() (string, []string) {
	if id := *s.query.TransferTo; id != "" {
		return s.noTarget(), s.check("id", id)
	}
	return s.noTarget(), []string{"name the project by its id, not by its name or slug"}
}
