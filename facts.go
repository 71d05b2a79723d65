// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"sync"
	"unsafe"

	"aeroplane.run/authz/resolver"
)

// A Reader returns the record of a subject, from wherever it is kept.
type Reader interface {
	// Read puts the record of the subject of a kind with an ID as Subject has it into r, whole. To that of a service or a deployment it
	// may add the projects of the project that this leads to, if it has the records of all on the way. It must change nothing of id,
	// and keep neither id nor r, which are another's at the next call.
	Read(kind SubjectKind, id []byte, r *Record) error
}

// FactsFrom asks a FactStore one thing, for who has not many to ask.
func FactsFrom(ctx context.Context, s FactStore, q Query) (Facts, error) {
	l := Lookup{Query: q}
	err := s.Lookup(ctx, &l)
	return l.Facts, err
}

// lookups are kept for the next decision, so that none allocates.
var lookups = sync.Pool{New: func() any { return new(Lookup) }}

// release keeps a look-up for another decision, and nothing alive of what it was about.
func (l *Lookup) release() {
	*l = Lookup{gathering: gathering{id: l.id[:0]}}
	lookups.Put(l)
}

// Gather gathers from records the facts that l.Query asks for, and puts them into l.Facts: at most six records, each read once, and
// how many is returned, with those that came along. What slugs and lists mean is said here and nowhere else. An error is the reader's, and there are no facts then.
//
// The facts are true at one instant if the records are.
func (l *Lookup) Gather(from Reader) (read int, err error) {
	l.Facts, l.from, l.read, l.err = Facts{}, from, 0, nil
	l.credential()
	if l.Facts.Key != nil || l.Facts.Session != nil { // else nothing that is reached can matter
		l.reached()
	}
	if l.err != nil {
		l.Facts = Facts{}
	}
	return l.read, l.err
}

// A gathering is a look-up under way. After an error it reads no more.
type gathering struct {
	from   Reader
	id     []byte // of a slug and its owner
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

func (l *Lookup) credential() {
	switch digest := l.Query.Digest[:]; l.Query.Kind {
	case KeyCredential:
		l.Facts.Key = l.ask(OfKey, digest).Key
	case SessionCredential:
		l.Facts.Session = l.ask(OfSession, digest).Session
	}
}

// userID returns the credential's user.
func (l *Lookup) userID() string {
	return Principal{Key: l.Facts.Key, Session: l.Facts.Session}.UserID()
}

func (l *Lookup) reached() {
	q := &l.Query
	switch q.Scope {
	case resolver.Project:
		l.Facts.Projects = l.of(OfProject, q.ID).Projects
	case resolver.ProjectSlug:
		l.slug(q.ID)
	case resolver.Service, resolver.ServiceTransfer:
		l.service(q.ID)
	case resolver.Deployment:
		l.deployment(q.ID)
	case resolver.ProjectList:
		l.list()
	}
	if q.Scope == resolver.ServiceTransfer && q.TransferTo != nil {
		if to := l.of(OfProject, *q.TransferTo).Projects; len(to) > 0 {
			l.Facts.TransferTo = &to[0]
		}
	}
}

func (l *Lookup) deployment(id string) {
	d := l.of(OfDeployment, id)
	if d.Projects == nil {
		l.service(d.Parent)
		return
	}
	l.read += 2
	l.Facts.Projects = d.Projects
}

func (l *Lookup) service(id string) {
	s := l.of(OfService, id)
	if s.Projects == nil {
		l.Facts.Projects = l.of(OfProject, s.Parent).Projects
		return
	}
	l.read++
	l.Facts.Projects = s.Projects
}

// slug adds the projects that a slug may mean to the credential: its user's own and nobody's, or, where it has no user, any
// two that bear it.
func (l *Lookup) slug(slug string) {
	if slug == "" {
		return
	}
	user := l.userID()
	if user == "" {
		l.Facts.Projects = l.of(OfSlug, slug).Projects
		return
	}
	l.Facts.Projects = l.slugOf(slug, user).Projects
	l.Facts.Unowned = l.slugOf(slug, "").Projects
}

// list adds the projects that a list may show. For a key without a user that is its selection, which needs no record.
func (l *Lookup) list() {
	user := l.userID()
	if user == "" {
		return
	}
	l.Facts.Projects = l.of(OfUser, user).Projects
	if l.Facts.Session != nil {
		l.Facts.Unowned = l.of(OfUser, "").Projects
	}
}
