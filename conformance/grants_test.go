// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// grantCase is a request that is allowed, and what is granted. An id of "~" stands for a key's id and prefix, which
// are random.
type grantCase struct {
	call
	target *string
	want   *authzv1.Grant
}

func named(project string) *string { return &project }

func (f *fixture) checkGrants(cases []grantCase) {
	f.t.Helper()
	for _, c := range cases {
		answer := f.ask(c.method, c.path, headersOf(c.credential), c.target)
		if k := answer.GetGrant().GetKey(); k != nil && k.Prefix == "ap_"+k.Id && len(k.Id) == 16 {
			k.Id, k.Prefix = "~", "~"
		}
		// Where something was looked up, the answer says when it was true.
		if _, err := authz.ParseRevision("revision", answer.GetRevision()); err != nil && c.want.GetPrincipal() != nil {
			f.t.Errorf("%s %s with %q: revision %q", c.method, c.path, c.credential, answer.GetRevision())
		}
		answer.Revision = ""
		if diff := cmp.Diff(&authzv1.AuthorizeResponse{Allowed: true, Grant: c.want}, answer, protocmp.Transform()); diff != "" {
			f.t.Errorf("%s %s with %q (-want +got):\n%s", c.method, c.path, c.credential, diff)
		}
	}
}

func byKey(name, user string, access authzv1.AccessLevel) *authzv1.Grant {
	return &authzv1.Grant{
		Principal:   &authzv1.Grant_Key{Key: &authzv1.KeyPrincipal{Id: "~", Prefix: "~", Name: name, UserId: user}},
		AccessLevel: access,
	}
}

func bySession(user string, role authzv1.UserRole) *authzv1.Grant {
	return &authzv1.Grant{
		Principal:   &authzv1.Grant_Session{Session: &authzv1.SessionPrincipal{UserId: user, Role: role}},
		AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE,
	}
}

const (
	read  = authzv1.AccessLevel_ACCESS_LEVEL_READ
	write = authzv1.AccessLevel_ACCESS_LEVEL_WRITE
)

// What a grant holds, where callers have users.
func TestGrants(t *testing.T) {
	reaches := func(g *authzv1.Grant, project string) *authzv1.Grant {
		g.ProjectId = project
		return g
	}
	sees := func(g *authzv1.Grant, ids ...string) *authzv1.Grant {
		g.VisibleProjects = &authzv1.ProjectScope{ProjectIds: ids}
		return g
	}
	unchecked := func(g *authzv1.Grant) *authzv1.Grant {
		g.TransferTargetUnchecked = true
		return g
	}
	owner := func() *authzv1.Grant { return bySession("u-owner", authzv1.UserRole_USER_ROLE_OWNER) }
	writeAll := func() *authzv1.Grant { return byKey("write/all", "u-owner", write) }
	a, b, c, o := id("projectA"), id("projectB"), id("projectC"), id("projectO")
	s1, s2 := id("projectS1"), id("projectS2")
	nobody := &authzv1.Grant{}
	const (
		all     = "Bearer {key:write/all}"
		byOwner = "Cookie aeroplane_session={session:owner}"
		byUser2 = "Cookie aeroplane_session={session:user2}"
	)
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		f.checkGrants([]grantCase{
			// Nobody: public routes and preflights, whatever is sent; sign-in pages without a good session.
			{call{"GET", "/api/health", all, ok}, nil, nobody},
			{call{"OPTIONS", "/api/projects", all, ok}, nil, nobody},
			{call{"GET", "/", "", ok}, nil, nobody},
			{call{"POST", "/api/auth/login", "", ok}, nil, nobody},
			{call{"POST", "/api/auth/login", "Cookie aeroplane_session={session:expired}", ok}, nil, nobody},
			{call{"GET", "/api/auth/status", byOwner, ok}, nil, owner()},

			// The project that is reached.
			{call{"PATCH", "/api/projects/{projectA.id}", all, ok}, nil, reaches(writeAll(), a)},
			{call{"GET", "/api/projects/{projectB.slug}", all, ok}, nil, reaches(writeAll(), b)},
			{call{"HEAD", "/api/services/{serviceA2.id}/overview?x=y", all, ok}, nil, reaches(writeAll(), a)},
			{call{"GET", "/api/deployments/{deploymentB.id}/logs", byOwner, ok}, nil, reaches(owner(), b)},
			{call{"GET", "/api/projects/{projectO.slug}", byOwner, ok}, nil, reaches(owner(), o)},
			{call{"GET", "/api/projects/{projectS1.slug}", byOwner, ok}, nil, reaches(owner(), s1)},
			{call{"GET", "/api/projects/{projectS2.slug}", byUser2, ok}, nil,
				reaches(bySession("u-two", authzv1.UserRole_USER_ROLE_USER), s2)},
			{call{"GET", "/api/projects/{projectC.slug}", "X-API-Key {key:user2 read/selected[C]}", ok}, nil,
				reaches(byKey("user2 read/selected[C]", "u-two", read), c)},

			// Lists: exactly the projects that the caller reaches one by one.
			{call{"GET", "/api/projects", all, ok}, nil, sees(writeAll(), a, b, s1)},
			{call{"GET", "/api/search?q=x", "Bearer {key:read/selected[A,B]}", ok}, nil,
				sees(byKey("read/selected[A,B]", "u-owner", read), a, b)},
			{call{"GET", "/api/projects", "Bearer {key:write/selected[]}", ok}, nil,
				sees(byKey("write/selected[]", "u-owner", write))},
			{call{"GET", "/api/projects", byOwner, ok}, nil, sees(owner(), a, b, o, s1)},
			{call{"GET", "/api/projects", byUser2, ok}, nil, sees(bySession("u-two", authzv1.UserRole_USER_ROLE_USER), c, s2)},

			// Making a project reaches none.
			{call{"POST", "/api/projects", all, ok}, nil, writeAll()},

			// Transfers.
			{call{"POST", "/api/services/{serviceA.id}/transfer", all, ok}, named("{projectB.id}"), reaches(writeAll(), a)},
			{call{"POST", "/api/services/{serviceA.id}/transfer", all, ok}, nil, unchecked(reaches(writeAll(), a))},
			{call{"POST", "/api/services/{serviceO.id}/transfer", byOwner, ok}, named("{projectA.id}"), reaches(owner(), o)},
			{call{"POST", "/api/services/{serviceA.id}/transfer", "Bearer {key:write/selected[A,B]}", ok}, named("{projectB.id}"),
				reaches(byKey("write/selected[A,B]", "u-owner", write), a)},
			// Elsewhere the target is not looked at.
			{call{"PATCH", "/api/services/{serviceA.id}", all, ok}, named("{projectC.id}"), reaches(writeAll(), a)},
		})

		// A service that moves takes its deployments along, at once.
		if _, err := f.catalog.PutService(t.Context(), &authzv1.PutServiceRequest{
			Service: &authzv1.Service{Id: id("serviceA"), ProjectId: b},
		}); err != nil {
			t.Fatal(err)
		}
		f.checkGrants([]grantCase{
			{call{"GET", "/api/services/{serviceA.id}/overview", all, ok}, nil, reaches(writeAll(), b)},
			{call{"GET", "/api/deployments/{deploymentA.id}/logs", all, ok}, nil, reaches(writeAll(), b)},
		})
		if got := outcome(f.ask("GET", "/api/deployments/{deploymentA.id}/logs",
			headersOf("Bearer {key:write/selected[A]}"), nil)); got != keyScope {
			t.Errorf("a key of the project that the service left: %q", got)
		}
	})
}

// What a grant holds in a single-user installation, where nobody has a user: ids that are not known pass for a key that
// reaches all projects, and for nobody else.
func TestGrantsWithoutUsers(t *testing.T) {
	key := func() *authzv1.Grant { return byKey("write/all", "", write) }
	reaches := func(g *authzv1.Grant, project string) *authzv1.Grant {
		g.ProjectId = project
		return g
	}
	everything := func(g *authzv1.Grant) *authzv1.Grant {
		g.VisibleProjects = &authzv1.ProjectScope{All: true}
		return g
	}
	const (
		all      = "Bearer {key:write/all}"
		selected = "Bearer {key:write/selected[A]}"
		browser  = "Cookie aeroplane_session={session:owner}"
	)
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate() // with owners: the test of the owner is void for a caller without a user
		f.userIDs = map[string]string{}
		session := func() *authzv1.Grant { return bySession("", authzv1.UserRole_USER_ROLE_OWNER) }
		f.checkGrants([]grantCase{
			{call{"PATCH", "/api/projects/{projectA.id}", all, ok}, nil, reaches(key(), id("projectA"))},
			{call{"PATCH", "/api/projects/{projectO.id}", all, ok}, nil, reaches(key(), id("projectO"))},
			{call{"GET", "/api/projects/{projectC.slug}", all, ok}, nil, reaches(key(), id("projectC"))},
			{call{"GET", "/api/projects", all, ok}, nil, everything(key())},
			{call{"GET", "/api/projects", browser, ok}, nil, everything(session())},
			{call{"GET", "/api/projects/{projectC.slug}", browser, ok}, nil, reaches(session(), id("projectC"))},
			// Unknown, and a slug that two bear.
			{call{"PATCH", "/api/projects/never-was", all, ok}, nil, key()},
			{call{"GET", "/api/services/{serviceX.id}/overview", all, ok}, nil, key()},
			{call{"GET", "/api/deployments/{deploymentZ.id}/logs", all, ok}, nil, key()},
			{call{"GET", "/api/projects/{projectS1.slug}", all, ok}, nil, key()},
			{call{"POST", "/api/services/{serviceA.id}/transfer", all, ok}, named("never-was"), reaches(key(), id("projectA"))},
			{call{"POST", "/api/services/{serviceA.id}/transfer", all, ok}, named("\x00 no id"), reaches(key(), id("projectA"))},
			// A selection is a selection.
			{call{"PATCH", "/api/projects/{projectA.id}", selected, ok}, nil,
				reaches(byKey("write/selected[A]", "", write), id("projectA"))},
		})
		const outSession = "403 This session cannot access that project"
		for _, c := range []call{
			{"PATCH", "/api/projects/{projectB.id}", selected, keyScope},
			{"PATCH", "/api/projects/never-was", selected, keyScope},
			{"PATCH", "/api/projects/never-was", browser, outSession},
			{"GET", "/api/projects/{projectS1.slug}", browser, outSession},
			{"GET", "/api/projects/{projectS1.slug}", selected, keyScope},
			{"POST", "/api/projects", selected, keyScope},
		} {
			if got := outcome(f.ask(c.method, c.path, headersOf(c.credential), nil)); got != c.want {
				t.Errorf("%s %s with %q: %q, want %q", c.method, c.path, c.credential, got, c.want)
			}
		}
	})
}

// A transfer's target comes from a client's body and may be any text. No such text keeps a decision from being made.
func TestOddTransferTargets(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		for _, target := range []string{"", " ", "..", "\x00", "a\x00b", "🛫", "'; --", id("projectA") + " ", string(make([]byte, 60_000))} {
			answer := f.ask("POST", "/api/services/{serviceA.id}/transfer", headersOf("Bearer {key:write/all}"), &target)
			if got := outcome(answer); got != keyScope {
				t.Errorf("target %.20q: %q", target, got)
			}
		}
	})
}
