// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"cmp"
	"maps"
	"slices"

	"aeroplane.run/authz"
)

// A catalog is what the tables hold at one place of the history. It is not changed: a change makes a copy.
type catalog struct {
	keys        map[authz.Digest]authz.Key
	sessions    map[authz.Digest]authz.Session
	projects    map[string]authz.Project
	services    map[string]string // to projects
	deployments map[string]string // to services

	records map[authz.Subject]authz.Record // that were asked for
}

func (c *catalog) copy() *catalog {
	return &catalog{
		keys: maps.Clone(c.keys), sessions: maps.Clone(c.sessions), projects: maps.Clone(c.projects),
		services: maps.Clone(c.services), deployments: maps.Clone(c.deployments), records: map[authz.Subject]authz.Record{},
	}
}

func emptyCatalog() *catalog {
	return &catalog{
		keys: map[authz.Digest]authz.Key{}, sessions: map[authz.Digest]authz.Session{}, projects: map[string]authz.Project{},
		services: map[string]string{}, deployments: map[string]string{}, records: map[authz.Subject]authz.Record{},
	}
}

// record returns what the tables say of a subject. It is the specification of authz.RecordStore, once more.
func (c *catalog) record(s authz.Subject) authz.Record {
	r, ok := c.records[s]
	if !ok {
		r = c.readTables(s)
		c.records[s] = r
	}
	return r
}

func (c *catalog) readTables(s authz.Subject) (r authz.Record) {
	switch s.Kind {
	case authz.OfKey:
		if k, ok := c.keys[digestOf(s)]; ok {
			k.Projects.IDs = slices.Clone(k.Projects.IDs)
			r.Key = k.Record()
		}
	case authz.OfSession:
		if x, ok := c.sessions[digestOf(s)]; ok {
			r.Session = &x
		}
	case authz.OfService:
		r.Parent = c.services[s.ID]
	case authz.OfDeployment:
		r.Parent = c.deployments[s.ID]
	case authz.OfProject:
		r.Projects = c.where(func(p authz.Project) bool { return p.ID == s.ID })
	case authz.OfUser:
		r.Projects = c.where(func(p authz.Project) bool { return p.OwnerID == s.ID })
	case authz.OfSlug:
		slug, owner, anyOwner := s.Slug()
		r.Projects = c.where(func(p authz.Project) bool { return p.Slug == slug && (anyOwner || p.OwnerID == owner) })
		r.Projects = r.Projects[:min(2, len(r.Projects))]
	}
	return r
}

func (c *catalog) where(matches func(authz.Project) bool) (refs []authz.ProjectRef) {
	for _, p := range c.projects {
		if matches(p) {
			refs = append(refs, authz.ProjectRef{ID: p.ID, OwnerID: p.OwnerID})
		}
	}
	slices.SortFunc(refs, func(a, b authz.ProjectRef) int { return cmp.Compare(a.ID, b.ID) })
	return refs
}

// Read implements authz.Reader.
func (c *catalog) Read(kind authz.SubjectKind, id []byte, r *authz.Record) error {
	*r = c.record(authz.Subject{Kind: kind, ID: string(id)})
	return nil
}

func digestOf(s authz.Subject) (d authz.Digest) {
	copy(d[:], s.ID)
	return d
}

// same reports whether two records say the same.
func same(a, b authz.Record) bool {
	return a.Parent == b.Parent && slices.Equal(a.Projects, b.Projects) && sameKey(a.Key, b.Key) &&
		(a.Session == b.Session || a.Session != nil && b.Session != nil && *a.Session == *b.Session)
}

func sameKey(a, b *authz.KeyRecord) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.UserID == b.UserID && a.Access == b.Access && a.Expires == b.Expires && a.Revoked == b.Revoked &&
		a.Projects.All == b.Projects.All && slices.Equal(a.Projects.IDs, b.Projects.IDs)
}
