// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// The universe is whatever can be in the tables, and all that can be asked about it: little, so that everything meets.
var universe = newUniverse()

type universal struct {
	keys, sessions []credential
	users          []string // the empty one is nobody
	slugs          []string
	projects       []string
	services       []string
	deployments    []string

	subjects []authz.Subject
	names    map[authz.Subject]string
	requests []request
}

// A credential is what a caller sends.
type credential struct {
	authz.Credential
	name   string
	digest authz.Digest
}

// A request is what a gateway may ask.
type request struct {
	authz.Request
	name string
}

func newUniverse() *universal {
	u := &universal{
		users: []string{"", "ann", "bob"}, slugs: []string{"web", "api"}, projects: []string{"p1", "p2", "p3"},
		services: []string{"v1", "v2", "v3"}, deployments: []string{"d1", "d2"},
	}
	for i := range 6 {
		text := fmt.Sprintf("ap_key%05d_%s", i, strings.Repeat("x", 43))
		u.keys = append(u.keys, credential{authz.KeyText(text), fmt.Sprintf("k%d", i), apikey.DigestOf(text)})
	}
	for i := range 3 {
		text := fmt.Sprintf("session %d", i)
		u.sessions = append(u.sessions, credential{authz.SessionToken(text), fmt.Sprintf("x%d", i), apikey.DigestOf(text)})
	}
	u.subjects, u.names = u.allSubjects(), map[authz.Subject]string{}
	for _, s := range u.subjects {
		u.names[s] = s.Kind.String() + " " + s.ID
	}
	for _, k := range u.keys {
		u.names[authz.KeySubject(k.digest)] = "key " + k.name
	}
	for _, x := range u.sessions {
		u.names[authz.SessionSubject(x.digest)] = "session " + x.name
	}
	u.requests = u.allRequests()
	return u
}

func (u *universal) allSubjects() (all []authz.Subject) {
	for _, k := range u.keys {
		all = append(all, authz.KeySubject(k.digest))
	}
	for _, x := range u.sessions {
		all = append(all, authz.SessionSubject(x.digest))
	}
	for _, user := range u.users {
		all = append(all, authz.Subject{Kind: authz.OfUser, ID: user})
	}
	for _, slug := range u.slugs {
		all = append(all, authz.SlugOfAnySubject(slug))
		for _, user := range u.users {
			all = append(all, authz.SlugSubject(slug, user))
		}
	}
	for _, named := range []struct {
		kind authz.SubjectKind
		ids  []string
	}{{authz.OfProject, u.projects}, {authz.OfService, u.services}, {authz.OfDeployment, u.deployments}} {
		for _, id := range named.ids {
			all = append(all, authz.Subject{Kind: named.kind, ID: id})
		}
	}
	return all
}

func (u *universal) allRequests() (all []request) {
	var targets []request
	add := func(method, target string, to *string) {
		targets = append(targets, request{authz.Request{Method: method, Target: target, TransferTo: to}, method + " " + target})
	}
	add(http.MethodGet, "/api/projects", nil)
	for _, p := range u.projects {
		add(http.MethodPatch, "/api/projects/"+p, nil)
	}
	for _, slug := range u.slugs {
		add(http.MethodGet, "/api/projects/"+slug, nil)
	}
	for _, v := range u.services {
		add(http.MethodGet, "/api/services/"+v+"/database/tables", nil)
	}
	for _, d := range u.deployments {
		add(http.MethodGet, "/api/deployments/"+d+"/logs", nil)
	}
	add(http.MethodPost, "/api/services/v1/transfer", &u.projects[1])
	for _, c := range append(append([]credential{}, u.keys...), u.sessions...) {
		for _, t := range targets {
			t.Credential, t.name = c.Credential, c.name+" "+t.name
			all = append(all, t)
		}
	}
	return all
}

// beginning is the catalog that the world begins with.
func (u *universal) beginning(now time.Time) *catalog {
	c := emptyCatalog()
	for i, p := range []authz.Project{
		{ID: "p1", Slug: "web"}, {ID: "p2", Slug: "web", OwnerID: "ann"}, {ID: "p3", Slug: "api", OwnerID: "bob"},
	} {
		c.projects[p.ID] = p
		c.services[u.services[i]] = p.ID
	}
	c.deployments["d1"], c.deployments["d2"] = "v1", "v2"
	for i := range len(u.keys) - 1 { // the last is yet to be made
		k := u.key(i, now)
		c.keys[u.keys[i].digest] = k.Key
	}
	for i, user := range []string{"ann", "bob", ""} {
		c.sessions[u.sessions[i].digest] = u.session(i, user, authz.UserRoleOwner, now)
	}
	return c
}

// key returns a key of each sort: with a user or without, for all projects or some, for good or for seconds.
func (u *universal) key(i int, now time.Time) authz.NewKey {
	all := authz.ProjectScope{All: true}
	k := [...]authz.Key{
		{Access: authz.Write, Projects: all},
		{Access: authz.Write, Projects: authz.ProjectScope{IDs: []string{"p1", "p2"}}},
		{Access: authz.Write, Projects: all, UserID: "ann"},
		{Access: authz.Read, Projects: authz.ProjectScope{IDs: []string{"p3"}}, UserID: "bob"},
		{Access: authz.Write, Projects: all, ExpiresAt: now.Add(8 * time.Second)},
		{Access: authz.Write, Projects: authz.ProjectScope{IDs: []string{"p2", "p3"}}},
	}[i]
	k.ID = u.keys[i].name
	return authz.NewKey{Key: k, Digest: u.keys[i].digest}
}

func (u *universal) session(i int, user string, role authz.UserRole, now time.Time) authz.Session {
	return authz.Session{Digest: u.sessions[i].digest, UserID: user, Role: role, ExpiresAt: now.Add(time.Minute)}
}

// A justice decides by a catalog that lies open, as if there were no caches.
type justice struct {
	at  *catalog
	now time.Time
}

// Lookup implements authz.FactStore.
func (j justice) Lookup(_ context.Context, l *authz.Lookup) error {
	_, err := l.Gather(j.at)
	l.Facts.Now = j.now
	return err
}

// allows reports whether a request is allowed by what a catalog says, at a time.
func (r request) allows(c *catalog, now time.Time) bool {
	d, err := authorizer(justice{c, now}).Authorize(context.Background(), r.Request)
	return err == nil && d.Allowed
}

func authorizer(facts authz.FactStore) *authz.Authorizer {
	return &authz.Authorizer{Routes: resolver.Default(), Facts: facts, Used: func(*authz.KeyRecord, time.Time) {}}
}
