// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"

	"aeroplane.run/authz/resolver"
)

// A Reader returns the record of a subject, from wherever it is kept.
type Reader interface {
	Read(Subject) (Record, error)
}

// FactsOf gathers from records the facts that a query asks for: at most six, each read once. What slugs and lists mean is
// said here and nowhere else. An error is the reader's.
//
// The facts are true at one instant if the records are.
func FactsOf(q Query, from Reader) (Facts, error) {
	g := gathering{from: from}
	g.credential(q)
	if g.err == nil && (g.Key != nil || g.Session != nil) { // else nothing that is reached can matter
		g.reached(q)
	}
	if g.err != nil {
		return Facts{}, g.err
	}
	return g.Facts, nil
}

// A gathering is a look-up under way. After an error it reads no more.
type gathering struct {
	Facts
	from Reader
	err  error
}

// read returns the record of a subject. Nothing but a user has an empty id, who is nobody then: otherwise it is the parent of what
// is not known, or what stands for an id that cannot be one.
func (g *gathering) read(s Subject) (r Record) {
	if s.ID == "" && s.Kind != OfUser {
		return Record{}
	}
	if g.err == nil {
		r, g.err = g.from.Read(s)
	}
	if g.err != nil {
		return Record{}
	}
	return r
}

func (g *gathering) credential(q Query) {
	switch q.Kind {
	case KeyCredential:
		g.Key = g.read(KeySubject(q.Digest)).Key
	case SessionCredential:
		g.Session = g.read(SessionSubject(q.Digest)).Session
	}
}

// userID returns the credential's user.
func (g *gathering) userID() string { return Principal{Key: g.Key, Session: g.Session}.UserID() }

func (g *gathering) reached(q Query) {
	switch q.Scope {
	case resolver.Project:
		g.project(q.ID)
	case resolver.ProjectSlug:
		g.slug(q.ID)
	case resolver.Service, resolver.ServiceTransfer:
		g.service(q.ID)
	case resolver.Deployment:
		g.service(g.read(Subject{OfDeployment, q.ID}).Parent)
	case resolver.ProjectList:
		g.list()
	}
	if q.Scope == resolver.ServiceTransfer && q.TransferTo != nil {
		for _, p := range g.read(Subject{OfProject, *q.TransferTo}).Projects {
			fact := g.fact(p)
			g.TransferTo = &fact
		}
	}
}

func (g *gathering) service(id string) { g.project(g.read(Subject{OfService, id}).Parent) }

// project adds a project, if it is known.
func (g *gathering) project(id string) { g.add(g.read(Subject{OfProject, id}).Projects) }

// slug adds the projects that a slug may mean to the credential: its user's own and nobody's, or, where it has no user, any
// two that bear it.
func (g *gathering) slug(slug string) {
	if slug == "" {
		return
	}
	user := g.userID()
	if user == "" {
		g.add(g.read(SlugOfAnySubject(slug)).Projects)
		return
	}
	g.add(g.read(SlugSubject(slug, user)).Projects)
	g.add(g.read(SlugSubject(slug, "")).Projects)
}

// list adds the projects that a list may show.
func (g *gathering) list() {
	user := g.userID()
	switch {
	case user != "":
		g.add(g.read(Subject{OfUser, user}).Projects)
		if g.Session != nil {
			g.add(g.read(Subject{OfUser, ""}).Projects)
		}
	case g.Key != nil && !g.Key.Projects.All:
		for _, id := range g.Key.Projects.IDs { // only what is known is ever selected, and nobody asks whose it is
			g.Projects = append(g.Projects, ProjectFact{ID: id, Selected: true})
		}
	}
}

func (g *gathering) add(projects []ProjectRef) {
	for _, p := range projects {
		g.Projects = append(g.Projects, g.fact(p))
	}
}

func (g *gathering) fact(p ProjectRef) ProjectFact {
	f := ProjectFact{ID: p.ID, OwnerID: p.OwnerID}
	if g.Key != nil {
		_, f.Selected = slices.BinarySearch(g.Key.Projects.IDs, p.ID)
	}
	return f
}
