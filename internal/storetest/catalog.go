// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"aeroplane.run/authz"
)

// listed returns all projects.
func (f *fixture) listed(t testing.TB) []authz.Project {
	t.Helper()
	all, err := f.Projects(t.Context(), authz.ProjectFilter{}, everything)
	return must(t, all, err)
}

func catalogProjects(t *testing.T, f *fixture) {
	a, b, o := project("a", "ada"), project("b", "bob"), project("o", "")
	same(t, "new", f.projects(t, b, a, o), 3)
	same(t, "the same again", f.projects(t, a, b, o), 0)
	same(t, "list", f.listed(t), []authz.Project{a, b, o})
	for owner, want := range map[string][]authz.Project{"ada": {a}, "bob": {b}, "": {o}, "Ada": nil} {
		got, err := f.Projects(t.Context(), authz.ProjectFilter{OwnerID: &owner}, everything)
		same(t, fmt.Sprintf("of %q", owner), must(t, got, err), want)
	}
	changed := []authz.Project{{ID: "a", Slug: "new", Name: "Project a", OwnerID: "ada"},
		{ID: "b", Slug: "slug-b", Name: "", OwnerID: "bob"}, {ID: "o", Slug: "slug-o", Name: "Project o", OwnerID: "bob"}}
	same(t, "slug, name, owner", f.projects(t, changed...), 3)
	same(t, "list", f.listed(t), changed)
	same(t, "one of three is new", f.projects(t, append(changed[:2:2], project("z", ""))...), 1)

	same(t, "deleted", f.deleteProjects(t, "unknown", "A", "a", "z"), 2)
	same(t, "deleted again", f.deleteProjects(t, "a", "z"), 0)
	same(t, "list", f.listed(t), changed[1:])
}

func catalogChildren(t *testing.T, f *fixture) {
	s, d := authz.Service{ID: "s", ProjectID: "unknown"}, authz.Deployment{ID: "d", ServiceID: "unknown"}
	s2, d2 := authz.Service{ID: "s2", ProjectID: "p"}, authz.Deployment{ID: "d2", ServiceID: "s"}
	same(t, "new services", f.services(t, s2, s), 2)
	same(t, "new deployments", f.deployments(t, d2, d), 2)
	same(t, "the same services", f.services(t, s, s2), 0)
	same(t, "the same deployments", f.deployments(t, d, d2), 0)
	s.ProjectID, d.ServiceID = "p", "s"
	same(t, "a service moves", f.services(t, s, s2), 1)
	same(t, "a deployment moves", f.deployments(t, d, d2), 1)
	for parent, want := range map[string][]authz.Service{"": {s, s2}, "p": {s, s2}, "P": nil, "unknown": nil} {
		got, err := f.Services(t.Context(), parent, everything)
		same(t, "services of "+parent, must(t, got, err), want)
	}
	for parent, want := range map[string][]authz.Deployment{"": {d, d2}, "s": {d, d2}, "s2": nil} {
		got, err := f.Deployments(t.Context(), parent, everything)
		same(t, "deployments of "+parent, must(t, got, err), want)
	}
	for i, want := range []int{1, 0} {
		n, err := f.DeleteServices(t.Context(), at(0), []string{"s", "S", "d"})
		same(t, fmt.Sprint("services deleted, call ", i), must(t, n, err).N, want)
		n, err = f.DeleteDeployments(t.Context(), at(0), []string{"d", "D", "s"})
		same(t, fmt.Sprint("deployments deleted, call ", i), must(t, n, err).N, want)
	}
}

// clash checks that a put was refused for the sake of one of the given projects.
func clash(t testing.TB, what string, err error, named ...string) {
	t.Helper()
	e := refused(t, what, err, authz.AlreadyExists)
	for _, id := range named {
		if strings.Contains(e.Message, id) {
			return
		}
	}
	t.Errorf("%s: %q does not name the other project, one of %v", what, e.Message, named)
}

func catalogSlugs(t *testing.T, f *fixture) {
	web := func(id, owner string) authz.Project {
		return authz.Project{ID: id, Slug: "web", Name: id, OwnerID: owner}
	}
	before := []authz.Project{project("free", "ada"), web("web-1", "ada"), web("web-2", "bob"), web("web-3", "")}
	f.projects(t, before...)
	for name, test := range map[string]struct {
		put   authz.Project
		other string
	}{
		"a new one":          {web("new", "ada"), "web-1"},
		"a new one, nobodys": {web("new", ""), "web-3"},
		"another slug":       {web("free", "ada"), "web-1"},
		"another owner":      {web("web-2", "ada"), "web-1"},
		"no owner any more":  {web("web-1", ""), "web-3"},
	} {
		events := f.recorded(t, func() {
			_, err := f.PutProjects(t.Context(), at(0), []authz.Project{test.put})
			clash(t, name, err, test.other)
		})
		same(t, name+": events", events, []authz.Event{})
	}
	same(t, "list", f.listed(t), before)
	f.deleteProjects(t, "web-1")
	f.projects(t, web("new", "ada")) // the slug of a deleted project is free
}

func catalogBatches(t *testing.T, f *fixture) {
	f.projects(t, project("a", "ada"))
	before := f.listed(t)
	taken := authz.Project{ID: "taken", Slug: "slug-a", OwnerID: "ada"}
	for name, test := range map[string]struct {
		batch []authz.Project
		named []string
	}{
		"last": {[]authz.Project{project("b", "ada"), {ID: "a", Slug: "slug-a", Name: "new name", OwnerID: "ada"}, taken},
			[]string{"a"}},
		"first": {[]authz.Project{taken, project("b", "ada")}, []string{"a"}},
		"within": {[]authz.Project{project("b", "ada"), {ID: "one", Slug: "twin", OwnerID: "ada"},
			{ID: "two", Slug: "twin", OwnerID: "ada"}}, []string{"one", "two"}},
	} {
		events := f.recorded(t, func() {
			_, err := f.PutProjects(t.Context(), at(0), test.batch)
			clash(t, name, err, test.named...)
		})
		same(t, name+": events", events, []authz.Event{})
		same(t, name+": list", f.listed(t), before)
	}
}

// catalogSwaps: what counts is how a batch leaves things, not how they look halfway.
func catalogSwaps(t *testing.T, f *fixture) {
	web := func(id, slug, owner string) authz.Project { return authz.Project{ID: id, Slug: slug, OwnerID: owner} }
	for i, put := range [][]authz.Project{
		{web("p", "x", "ada"), web("q", "y", "ada"), web("r", "x", "bob")},
		{web("p", "y", "ada"), web("q", "x", "ada")}, // slugs
		{web("q", "x", "bob"), web("r", "x", "ada")}, // owners
		{web("p", "x", "ada"), web("r", "y", "ada")}, // slugs again
		{web("n", "y", "ada"), web("r", "z", "ada")}, // a new one takes what another gives up in the same batch
	} {
		same(t, fmt.Sprintf("batch %d: changed", i), f.projects(t, put...), len(put))
		for _, want := range put {
			for _, got := range f.listed(t) {
				if got.ID == want.ID {
					same(t, fmt.Sprintf("batch %d", i), got, want)
				}
			}
		}
	}
	same(t, "list", f.listed(t),
		[]authz.Project{web("n", "y", "ada"), web("p", "x", "ada"), web("q", "x", "bob"), web("r", "z", "ada")})
}

func catalogFullBatch(t *testing.T, f *fixture) {
	var projects []authz.Project
	var services []authz.Service
	var deployments []authz.Deployment
	var all []string
	for i := range authz.MaxBatch {
		id := fmt.Sprintf("x%03d", i)
		all = append(all, id)
		projects = append(projects, project(id, "ada"))
		services = append(services, authz.Service{ID: id, ProjectID: id})
		deployments = append(deployments, authz.Deployment{ID: id, ServiceID: id})
	}
	for i, want := range []int{authz.MaxBatch, 0} {
		same(t, fmt.Sprint("projects, call ", i), f.projects(t, projects...), want)
		same(t, fmt.Sprint("services, call ", i), f.services(t, services...), want)
		same(t, fmt.Sprint("deployments, call ", i), f.deployments(t, deployments...), want)
	}
	same(t, "list", f.listed(t), projects)
	n, err := f.DeleteDeployments(t.Context(), at(0), all)
	same(t, "deployments deleted", must(t, n, err).N, authz.MaxBatch)
	n, err = f.DeleteServices(t.Context(), at(0), all)
	same(t, "services deleted", must(t, n, err).N, authz.MaxBatch)
	same(t, "projects deleted", f.deleteProjects(t, all...), authz.MaxBatch)
}

func catalogRace(t *testing.T, f *fixture) {
	var stored atomic.Int32
	together(12, func(i int) {
		p := authz.Project{ID: fmt.Sprint("p", i), Slug: "wanted", OwnerID: "ada"}
		_, err := f.PutProjects(t.Context(), at(0), []authz.Project{p})
		if err == nil {
			stored.Add(1)
			return
		}
		clash(t, "PutProjects", err, "p")
	})
	same(t, "stored", int(stored.Load()), 1)
	same(t, "listed", len(f.listed(t)), 1)
}

// catalogCrossing puts and deletes the same rows in opposite orders at the same time, which deadlocks whoever locks
// them in the order given.
func catalogCrossing(t *testing.T, f *fixture) {
	const rows, rounds = 20, 10
	together(4, func(caller int) {
		for round := range rounds {
			var projects []authz.Project
			var all []string
			for i := range rows {
				if caller%2 == 1 {
					i = rows - 1 - i
				}
				p := project(fmt.Sprintf("p%02d", i), "ada")
				p.Name = fmt.Sprint(caller, round)
				projects, all = append(projects, p), append(all, p.ID)
			}
			var err error
			if round%3 == 2 {
				_, err = f.DeleteProjects(t.Context(), at(0), all)
			} else {
				_, err = f.PutProjects(t.Context(), at(0), projects)
			}
			if err != nil {
				t.Errorf("caller %d: %v", caller, err)
			}
		}
	})
}
