// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/resolver"
)

func TestIdentityOf(t *testing.T) {
	key := &authzv1.Grant_Key{Key: &authzv1.KeyPrincipal{Id: "k", Name: "n", Prefix: "ap_k", UserId: "u"}}
	session := func(role authzv1.UserRole) *authzv1.Grant_Session {
		return &authzv1.Grant_Session{Session: &authzv1.SessionPrincipal{UserId: "u", Role: role}}
	}
	for _, c := range []struct {
		grant *authzv1.Grant
		want  door.Identity
	}{
		{new(authzv1.Grant), door.Identity{}},
		{&authzv1.Grant{Principal: key, AccessLevel: reads, ProjectId: "p"},
			door.Identity{Caller: "key", Key: "k", User: "u", Access: "read", Project: "p"}},
		{&authzv1.Grant{Principal: key, AccessLevel: writes, TransferTargetUnchecked: true},
			door.Identity{Caller: "key", Key: "k", User: "u", Access: "write", TransferUnchecked: true}},
		{&authzv1.Grant{Principal: session(authzv1.UserRole_USER_ROLE_OWNER), AccessLevel: writes},
			door.Identity{Caller: "session", User: "u", Role: "owner", Access: "write"}},
		{&authzv1.Grant{Principal: session(authzv1.UserRole_USER_ROLE_USER)}, door.Identity{Caller: "session", User: "u", Role: "user"}},
		{&authzv1.Grant{Principal: session(7), AccessLevel: 7}, door.Identity{Caller: "session", User: "u"}},
		{&authzv1.Grant{VisibleProjects: &authzv1.ProjectScope{All: true}}, door.Identity{Visible: &door.Visible{All: true}}},
		{&authzv1.Grant{VisibleProjects: &authzv1.ProjectScope{ProjectIds: []string{"p"}}}, door.Identity{Visible: &door.Visible{IDs: []string{"p"}}}},
	} {
		if diff := cmp.Diff(c.want, client.IdentityOf(c.grant)); diff != "" {
			t.Errorf("%v\n(-want +got):\n%s", c.grant, diff)
		}
	}
}

// Whatever target the gate lets pass, a URL that was parsed from it is written as it was: so a URL that is written otherwise has been
// changed since.
func FuzzTargetsSurvive(f *testing.F) {
	for _, seed := range []string{"/", "/?", "/api/projects?a=b&c", "/a%20b%3C!$&'()*+,=:@~", "/*", "/a:b", "/:", "/a?b?c=%zz;\\", "/@/=", "/%25", "/a/"} {
		f.Add(seed)
	}
	table := resolver.Default()
	f.Fuzz(func(t *testing.T, target string) {
		if _, err := table.Gate(target); err != nil {
			t.Skip()
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // net/http answers 400 by itself
		}
		if got := u.RequestURI(); got != target {
			t.Errorf("%q is written as %q", target, got)
		}
	})
}
