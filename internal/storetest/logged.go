// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// A world is few names that are used again and again, so that changes meet.
type world struct {
	users, slugs, projects, services, deployments []string
	tokens                                        []string
	keys                                          []string // the texts
}

var small = world{
	users: []string{"", "ada", "bob"}, slugs: []string{"x", "y"}, projects: []string{"p", "q", "r"},
	services: []string{"s", "t"}, deployments: []string{"d", "e"}, tokens: []string{"token-a", "token-b"},
	keys: []string{keyText('a'), keyText('b'), keyText('c'), keyText('d')},
}

func keyText(c rune) string { return "ap_key-" + string(c) + "-zz_" + strings.Repeat(string(c), 43) }

// subjects returns everything that there may be a record of.
func (w world) subjects() (all []authz.Subject) {
	for _, k := range w.keys {
		all = append(all, authz.KeySubject(apikey.DigestOf(k)))
	}
	for _, s := range w.tokens {
		all = append(all, authz.SessionSubject(apikey.DigestOf(s)))
	}
	for kind, ids := range map[authz.SubjectKind][]string{authz.OfService: w.services, authz.OfDeployment: w.deployments,
		authz.OfProject: w.projects, authz.OfUser: w.users} {
		for _, id := range ids {
			all = append(all, authz.Subject{Kind: kind, ID: id})
		}
	}
	for _, slug := range w.slugs {
		all = append(all, authz.SlugOfAnySubject(slug))
		for _, user := range w.users {
			all = append(all, authz.SlugSubject(slug, user))
		}
	}
	return all
}

// requests returns one of each kind for everybody.
func (w world) requests() (all []authz.Request) {
	var credentials []authz.Credential
	for _, k := range w.keys {
		credentials = append(credentials, authz.KeyText(k))
	}
	for _, s := range w.tokens {
		credentials = append(credentials, authz.SessionToken(s))
	}
	for _, c := range credentials {
		add := func(method, target string) {
			all = append(all, authz.Request{Method: method, Target: target, Credential: c})
		}
		add("GET", "/api/projects")
		add("POST", "/api/projects")
		for _, id := range w.slugs {
			add("GET", "/api/projects/"+id)
		}
		for _, id := range w.projects {
			add("PATCH", "/api/projects/"+id)
		}
		for _, id := range w.services {
			add("PATCH", "/api/services/"+id)
			for _, to := range w.projects {
				all = append(all, authz.Request{Method: "POST", Target: "/api/services/" + id + "/transfer", Credential: c, TransferTo: &to})
			}
		}
		for _, id := range w.deployments {
			add("GET", "/api/deployments/"+id+"/logs")
		}
	}
	return all
}

// A picture is the records of a world at an instant. It is a FactStore.
type picture map[authz.Subject]authz.Record

// Read implements authz.Reader.
func (p picture) Read(kind authz.SubjectKind, id []byte, r *authz.Record) error {
	*r = p[authz.Subject{Kind: kind, ID: string(id)}]
	return nil
}

func (p picture) Lookup(_ context.Context, l *authz.Lookup) error {
	_, err := l.Gather(p)
	l.Facts.Now = noon
	return err
}

func (f *fixture) picture(t testing.TB, of []authz.Subject) picture {
	t.Helper()
	p := picture{}
	for _, s := range of {
		r, _, err := f.Record(t.Context(), s, false)
		p[s] = must(t, r, err)
	}
	return p
}

// decisions decides on every request.
func (p picture) decisions(t testing.TB, requests []authz.Request) []authz.Decision {
	a := authz.Authorizer{Routes: resolver.Default(), Facts: p, Used: func(*authz.KeyRecord, time.Time) {}}
	all := make([]authz.Decision, len(requests))
	for i, r := range requests {
		d, err := a.Authorize(t.Context(), r)
		all[i] = must(t, d, err)
	}
	return all
}

// lost reports whether a caller may do less than before.
func lost(before, after authz.Decision) bool {
	switch {
	case !before.Allowed:
		return false
	case !after.Allowed:
		return true
	case before.Grant.Visible == nil || after.Grant.Visible.All:
		return false
	case before.Grant.Visible.All:
		return true
	}
	return slices.ContainsFunc(before.Grant.Visible.IDs, func(id string) bool {
		return !slices.Contains(after.Grant.Visible.IDs, id)
	})
}

// changesAreLogged makes changes at random. Whatever is known afterwards that was not before has a row in the history, and
// where somebody may do less afterwards a row of it narrows.
func changesAreLogged(t *testing.T, f *fixture) {
	log := f.log(t)
	subjects, requests := small.subjects(), small.requests()
	random := rand.New(rand.NewPCG(1, 2))
	before := f.picture(t, subjects)
	allowed := before.decisions(t, requests)
	narrowed, narrowings, widenings := 0, 0, 0
	for n := range 300 {
		head, err := log.Head(t.Context())
		must(t, head, err)
		what, err := f.anyChange(t, random, n, before)
		rows := since(t, log, head)
		if err != nil {
			if len(rows) > 0 || authz.KindOf(err) == authz.Unavailable || authz.KindOf(err) == authz.Internal {
				t.Fatalf("%s: %v, with %d rows", what, err, len(rows))
			}
			continue
		}
		logged := map[authz.Subject]bool{}
		for _, r := range rows {
			logged[r.Subject] = true
		}
		after := f.picture(t, subjects)
		for _, s := range subjects {
			if diff := gocmp.Diff(before[s], after[s], cmpopts.EquateEmpty(), withoutNotes); diff != "" && !logged[s] {
				t.Errorf("%s: no row tells of %s %q (-before +after):\n%s", what, s.Kind, s.ID, diff)
			}
		}
		for i, d := range after.decisions(t, requests) {
			if lost(allowed[i], d) {
				narrowed++
				if !anyNarrowing(rows) {
					t.Errorf("%s: %s %s is refused now, and no row narrows", what, requests[i].Method, requests[i].Target)
				}
			}
			allowed[i] = d
		}
		if anyNarrowing(rows) {
			narrowings++
		} else {
			widenings++
		}
		before = after
	}
	if narrowed < 50 || narrowings < 50 || widenings < 20 {
		t.Errorf("%d decisions narrowed by %d changes, %d changes only widened: that proves little", narrowed, narrowings, widenings)
	}
}

// anyChange makes one change, or tries to.
func (f *fixture) anyChange(t testing.TB, random *rand.Rand, n int, now picture) (what string, err error) {
	ctx, c := t.Context(), authz.Change{Actor: operator, At: noon}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	project := func() authz.Project {
		return authz.Project{ID: pick(small.projects), Slug: pick(small.slugs), OwnerID: pick(small.users)}
	}
	switch random.IntN(15) {
	case 0, 1:
		p := []authz.Project{project()}
		if other := project(); other.ID != p[0].ID {
			p = append(p, other)
		}
		return fmt.Sprintf("put %+v", p), error2(f.PutProjects(ctx, c, p))
	case 2:
		return "delete a project", error2(f.DeleteProjects(ctx, c, []string{pick(small.projects)}))
	case 3, 4:
		s := authz.Service{ID: pick(small.services), ProjectID: pick(small.projects)}
		return "put a service", error2(f.PutServices(ctx, c, []authz.Service{s}))
	case 5:
		return "delete services", error2(f.DeleteServices(ctx, c, small.services))
	case 6:
		d := authz.Deployment{ID: pick(small.deployments), ServiceID: pick(small.services)}
		return "put a deployment", error2(f.PutDeployments(ctx, c, []authz.Deployment{d}))
	case 7:
		return "delete a deployment", error2(f.DeleteDeployments(ctx, c, []string{pick(small.deployments)}))
	case 8, 9:
		k := newKey(fmt.Sprint("k", n), pick(small.users), pick(small.projects))
		if k.Projects.All = random.IntN(2) == 0; k.Projects.All {
			k.Projects.IDs = nil
		}
		for _, text := range small.keys {
			if k.Digest = apikey.DigestOf(text); now[authz.KeySubject(k.Digest)].Key == nil {
				return fmt.Sprintf("create a key of %q for %v", k.UserID, k.Projects), error2(f.CreateKey(ctx, c, k))
			}
		}
		return "forget revoked keys", f.Sweep(ctx, janitor, authz.Cutoffs{Keys: noon.Add(time.Hour)})
	case 10:
		id := "unknown"
		if k := now[authz.KeySubject(apikey.DigestOf(pick(small.keys)))].Key; k != nil {
			id = k.ID
		}
		return "revoke a key", error2(f.RevokeKey(ctx, c, id))
	case 11, 12, 13:
		d := f.anyDelta(t, random, pick, project)
		return fmt.Sprintf("sync %+v", *d), error2(f.sync(ctx, c, d))
	}
	s := session("", pick(small.users), authz.UserRole(1+random.IntN(2)))
	s.Digest = apikey.DigestOf(pick(small.tokens))
	return "put a session", error2(f.PutSession(ctx, c, s))
}

// anyDelta is a few things that Aeroplane might have done at once.
func (f *fixture) anyDelta(t testing.TB, random *rand.Rand, pick func([]string) string, project func() authz.Project) *authz.Delta {
	d := new(authz.Delta)
	maybe := func(do func()) {
		if random.IntN(3) == 0 {
			do()
		}
	}
	maybe(func() { d.GoneProjects = []string{pick(small.projects)} })
	maybe(func() { d.Projects = []authz.Project{project()} })
	maybe(func() { d.Services = []authz.Service{{ID: pick(small.services), ProjectID: pick(small.projects)}} })
	maybe(func() {
		d.Deployments = []authz.Deployment{{ID: pick(small.deployments), ServiceID: pick(small.services)}}
	})
	maybe(func() { d.GoneServices = []string{pick(small.services)} })
	maybe(func() {
		text := pick(small.keys)
		k := foreignKey("foreign-"+text[7:8], pick(small.users), pick(small.projects))
		if k.Digest = apikey.DigestOf(text); random.IntN(2) == 0 {
			k.Projects = authz.ProjectScope{All: true}
		}
		d.Keys = []authz.ForeignKey{k}
	})
	foreign := f.foreign(t)
	maybe(func() {
		for _, k := range foreign[:min(1, len(foreign))] {
			d.GoneKeys = append(d.GoneKeys, k.ID)
		}
	})
	maybe(func() {
		for _, k := range foreign {
			d.DoubtfulKeys = append(d.DoubtfulKeys, k.ID)
		}
	})
	maybe(func() { d.GoneSessions = []authz.Digest{apikey.DigestOf(pick(small.tokens))} })
	return d
}
