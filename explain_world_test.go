// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"testing"
	"time"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// shelf is a KeyStore of one key, which is on record whether or not the facts know it.
type shelf struct {
	KeyStore
	key Key
}

func (s shelf) Key(_ context.Context, id string) (Key, error) {
	if id != s.key.ID {
		return Key{}, NoSuchKey()
	}
	return s.key, nil
}

func (s shelf) KeyHead(_ context.Context, id string) (KeyHead, error) {
	if id != s.key.ID {
		return KeyHead{}, NoSuchKey()
	}
	return KeyHead{s.key.UserID, apikey.DigestOf(ownText)}, nil
}

// An explained is a case of an explanation: who calls, by which facts.
type explained struct {
	name    string
	key     *KeyRecord // what the facts know of the key
	session *Session
	facts   Facts
}

// explain explains in a world at noon. The key that is asked about is on record as the facts have it, or else as one that was.
func (c *explained) explain(t *testing.T, r ExplainRequest) (Explanation, *world) {
	t.Helper()
	record := Key{ID: "k", UserID: "u", Access: Read}
	if k := c.key; k != nil {
		record = Key{ID: k.ID, UserID: k.UserID, Access: k.Access, Projects: k.Projects}
		if k.Revoked {
			record.RevokedAt = noon.Add(-50 * time.Hour)
		}
	}
	if c.session != nil {
		r.Session = &Digest{7}
	}
	facts := c.facts
	facts.Key, facts.Session = c.key, c.session
	w := &world{facts: facts}
	e := Explainer{Store: shelf{key: record}, Authorizer: &Authorizer{Routes: resolver.Default(), Facts: w,
		Used: func(*KeyRecord, time.Time) { t.Error("an explanation is no use of a key") }}}
	got, err := e.Explain(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %s %s: %v", c.name, r.Method, r.Target, err)
	}
	return got, w
}

// callers are one of each kind.
func callers() (all []explained) {
	revoked, expired := key(Write, "u", true), key(Write, "u", true)
	revoked.Revoked, expired.Expires = true, InstantOf(noon.Add(-time.Hour))
	over, ended := session("u", UserRoleOwner), session("u", UserRoleOwner)
	over.ExpiresAt, ended.RevokedAt = noon, noon.Add(-time.Hour)
	all = []explained{
		{name: "nobody"}, {name: "unknown key"}, {name: "unknown session"},
		{name: "revoked key", key: revoked}, {name: "expired key", key: expired},
		{name: "expired session", session: over}, {name: "revoked session", session: ended},
	}
	for _, user := range []string{"u", ""} {
		for _, role := range []UserRole{UserRoleOwner, UserRoleUser} {
			all = append(all, explained{name: role.String() + " " + user, session: session(user, role)})
		}
		for _, access := range []Access{Read, Write} {
			all = append(all,
				explained{name: access.String() + " key of " + user, key: key(access, user, true)},
				explained{name: access.String() + " selective key of " + user, key: key(access, user, false)})
		}
	}
	return all
}

// requestOf returns what asks about the caller.
func (c *explained) requestOf(method, target string) ExplainRequest {
	r := ExplainRequest{Method: method, Target: target}
	switch {
	case c.name == "unknown session":
		r.Session = &Digest{8}
	case c.key != nil, c.name == "unknown key":
		r.KeyID = "k"
	}
	return r
}

// kindsOfRequest has a request for each kind of row, and for each check before it.
var kindsOfRequest = []struct{ method, target string }{
	{"get", "/"}, {"GET", "/api//x"}, {"OPTIONS", "/api/projects"}, {"GET", "/api/health"}, {"POST", "/api/auth/login"},
	{"GET", "/api/nowhere"}, {"GET", "/api/system"}, {"POST", "/api/services/s/domains/d/dns-records"},
	{"GET", "/api/projects"}, {"HEAD", "/api/search"}, {"POST", "/api/projects"},
	{"PATCH", "/api/projects/p"}, {"GET", "/api/projects/slug"}, {"GET", "/api/services/s/overview"}, {"PATCH", "/api/services/s"},
	{"GET", "/api/deployments/d/logs"}, {"POST", "/api/services/s/transfer"},
}

// worlds are what the facts may have beside the caller: by whose the project is that the path leads to, and the target.
func (c *explained) worlds(target string) (all []explained) {
	for _, projects := range [][]ProjectRef{nil, {owned("u")}, {picked("u")}, {owned("v")}, {picked("v")}, {owned("")}, {picked("")},
		{owned("u"), owned("v")}} {
		for _, to := range []*ProjectRef{nil, {ID: "of-u", OwnerID: "u"}, {ID: "picked-of-u", OwnerID: "u"}, {ID: "of-v", OwnerID: "v"},
			{ID: "of-", OwnerID: ""}} {
			w := *c
			w.facts = Facts{Projects: projects, TransferTo: to}
			if target == "/api/projects/slug" || target == "/api/projects" { // of which a store brings no others'
				w.facts.Projects, w.facts.Unowned = split(Principal{c.key, c.session}, projects)
			} else if len(projects) > 1 {
				continue
			}
			all = append(all, w)
		}
	}
	return all
}
