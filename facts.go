// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"sync"
	"unsafe"

	"aeroplane.run/authz/resolver"
)

// A Reader returns the record of a subject, from wherever it is kept.
type Reader interface {
	// Read puts the record of the subject of a kind with an ID as Subject has it into r, whole. It must change nothing of id, and keep
	// neither id nor r, which are another's at the next call.
	Read(kind SubjectKind, id []byte, r *Record) error
}

// FactsOf gathers from records the facts that a query asks for, and puts them into f: at most six, each read once, and how many is
// returned. What slugs and lists mean is said here and nowhere else. An error is the reader's, and f has nothing then.
//
// The facts are true at one instant if the records are.
func FactsOf(q *Query, from Reader, f *Facts) (read int, err error) {
	g := gatherings.Get().(*gathering)
	g.from = from
	g.credential(q)
	if g.Key != nil || g.Session != nil { // else nothing that is reached can matter
		g.reached(q)
	}
	if read, err = g.read, g.err; err == nil {
		*f = g.Facts
	} else {
		*f = Facts{}
	}
	*g = gathering{id: g.id} // it keeps nothing alive
	gatherings.Put(g)
	return read, err
}

// gatherings are kept for the next look-up, so that none allocates.
var gatherings = sync.Pool{New: func() any { return new(gathering) }}

// A gathering is a look-up under way. After an error it reads no more.
type gathering struct {
	Facts
	from   Reader
	id     []byte // of the subject that is read
	record Record // what was read last
	read   int
	err    error
}

// of returns the record of the subject with an ID, until the next is read. Nothing but a user has an empty ID, who is nobody then:
// otherwise it is the parent of what is not known, or what stands for an id that cannot be one.
func (g *gathering) of(kind SubjectKind, id string) *Record {
	if id == "" && kind != OfUser {
		g.record = Record{}
		return &g.record
	}
	return g.ask(kind, unsafe.Slice(unsafe.StringData(id), len(id))) // a reader only looks at it
}

// slugOf returns the record of a slug and its owner.
func (g *gathering) slugOf(slug, owner string) *Record {
	g.id = append(append(append(g.id[:0], slug...), slugAndOwner...), owner...)
	return g.ask(OfSlug, g.id)
}

func (g *gathering) ask(kind SubjectKind, id []byte) *Record {
	if g.err == nil {
		g.read++
		g.err = g.from.Read(kind, id, &g.record)
	}
	if g.err != nil {
		g.record = Record{}
	}
	return &g.record
}

func (g *gathering) credential(q *Query) {
	g.id = append(g.id[:0], q.Digest[:]...)
	switch q.Kind {
	case KeyCredential:
		g.Key = g.ask(OfKey, g.id).Key
	case SessionCredential:
		g.Session = g.ask(OfSession, g.id).Session
	}
}

// userID returns the credential's user.
func (g *gathering) userID() string { return Principal{Key: g.Key, Session: g.Session}.UserID() }

func (g *gathering) reached(q *Query) {
	switch q.Scope {
	case resolver.Project:
		g.Projects = g.of(OfProject, q.ID).Projects
	case resolver.ProjectSlug:
		g.slug(q.ID)
	case resolver.Service, resolver.ServiceTransfer:
		g.service(q.ID)
	case resolver.Deployment:
		g.service(g.of(OfDeployment, q.ID).Parent)
	case resolver.ProjectList:
		g.list()
	}
	if q.Scope == resolver.ServiceTransfer && q.TransferTo != nil {
		if to := g.of(OfProject, *q.TransferTo).Projects; len(to) > 0 {
			g.TransferTo = &to[0]
		}
	}
}

func (g *gathering) service(id string) {
	g.Projects = g.of(OfProject, g.of(OfService, id).Parent).Projects
}

// slug adds the projects that a slug may mean to the credential: its user's own and nobody's, or, where it has no user, any
// two that bear it.
func (g *gathering) slug(slug string) {
	if slug == "" {
		return
	}
	user := g.userID()
	if user == "" {
		g.Projects = g.of(OfSlug, slug).Projects
		return
	}
	g.Projects = g.slugOf(slug, user).Projects
	g.Unowned = g.slugOf(slug, "").Projects
}

// list adds the projects that a list may show. For a key without a user that is its selection, which needs no record.
func (g *gathering) list() {
	user := g.userID()
	if user == "" {
		return
	}
	g.Projects = g.of(OfUser, user).Projects
	if g.Session != nil {
		g.Unowned = g.of(OfUser, "").Projects
	}
}
