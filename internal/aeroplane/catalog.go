// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"database/sql/driver"

	"aeroplane.run/authz"
)

func (s *scan) readProjects() error {
	var refused []string
	err := s.each(groups, func(v []driver.Value) {
		id, why := idOf(v[0], authz.ValidID)
		if why != "" {
			s.refuse("project", shown(v[0]), "its id "+why)
			return
		}
		owner, ok := ownerOf(v[1])
		if !ok {
			s.refuse("project", id, "the id of its owner cannot be that of a user")
			refused = append(refused, id)
			return
		}
		name, changed := readable(v[3], mostOfProjectName)
		if changed {
			s.note("project", id, "its name has characters that do not print, or too many: it is changed")
		}
		slug, _ := v[2].(string)
		s.Projects = append(s.Projects, authz.Project{ID: id, OwnerID: owner, Slug: slug, Name: name})
	}, "id", "owner_user_id", "slug", "name")
	s.Projects = unique(s, "project", s.Projects, func(p authz.Project) string { return p.ID }, refused)
	s.settleSlugs()
	return err
}

// ownerOf reads the owner of a project, who may be nobody.
func ownerOf(v driver.Value) (string, bool) {
	if v == nil || v == "" {
		return "", true
	}
	owner, why := idOf(v, authz.ValidUserID)
	return owner, why == ""
}

// A place is where a slug stands: one owner has it once.
type place struct{ owner, slug string }

// settleSlugs gives projects that cannot be told apart by their slug, or whose slug no path can name, one that is no other's: they are
// reached by id.
func (s *scan) settleSlugs() {
	bearers := make(map[place]int, len(s.Projects))
	for _, p := range s.Projects {
		bearers[place{p.OwnerID, p.Slug}]++
	}
	kept := s.Projects[:0]
	for _, p := range s.Projects {
		valid, alone := authz.ValidSlug(p.Slug), bearers[place{p.OwnerID, p.Slug}] == 1
		switch instead := "~" + p.ID; {
		case valid && alone:
		case bearers[place{p.OwnerID, instead}] > 0:
			s.refuse("project", p.ID, "its slug is of no use, and "+instead+", which would stand in for it, is another project's")
			continue
		case valid:
			s.note("project", p.ID, "another project of its owner has its slug: both can be reached by id only")
			p.Slug = instead
		default:
			s.note("project", p.ID, "its slug has characters or a length that it must not have: it can be reached by id only")
			p.Slug = instead
		}
		kept = append(kept, p)
	}
	s.Projects = kept
}

func (s *scan) readServices() error {
	var refused []string
	err := s.each(services, func(v []driver.Value) {
		if id, parent, ok := s.child("service", "project", v, &refused); ok {
			s.Services = append(s.Services, authz.Service{ID: id, ProjectID: parent})
		}
	}, "id", "project_group_id")
	s.Services = unique(s, "service", s.Services, func(c authz.Service) string { return c.ID }, refused)
	return err
}

// child reads the ids of something and of what it is in.
func (s *scan) child(kind, of string, v []driver.Value, refused *[]string) (id, parent string, ok bool) {
	id, why := idOf(v[0], authz.ValidID)
	if why != "" {
		s.refuse(kind, shown(v[0]), "its id "+why)
		return "", "", false
	}
	parent, why = idOf(v[1], authz.ValidID)
	if why != "" {
		s.refuse(kind, id, "the id of its "+of+" "+why)
		*refused = append(*refused, id)
		return "", "", false
	}
	return id, parent, true
}
