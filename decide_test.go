// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz/resolver"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// The nouns of the tables below. "u" and "v" are users; projects are named for their owner.

func key(access Access, user string, all bool) *KeyRecord {
	k := &KeyRecord{ID: "k", Access: access, UserID: user, Projects: ProjectScope{All: all}}
	if !all {
		for _, owner := range []string{"", "u", "v"} {
			k.Projects.IDs = append(k.Projects.IDs, picked(owner).ID)
		}
	}
	return k
}

func session(user string, role UserRole) *Session {
	return &Session{UserID: user, Role: role, ExpiresAt: noon.Add(time.Hour)}
}

func owned(by string) ProjectRef  { return ProjectRef{ID: "of-" + by, OwnerID: by} }
func picked(by string) ProjectRef { return ProjectRef{ID: "picked-of-" + by, OwnerID: by} } // every key that selects has it

// split parts projects into those that a caller with a user finds as theirs and those that are nobody's, and those of others,
// which no store brings.
func split(caller Principal, all []ProjectRef) (projects, unowned []ProjectRef) {
	for _, p := range all {
		switch user := caller.UserID(); {
		case user == "" || p.OwnerID == user:
			projects = append(projects, p)
		case p.OwnerID == "":
			unowned = append(unowned, p)
		}
	}
	return projects, unowned
}

func asking(k *KeyRecord, s *Session, m resolver.Method, who resolver.Who, scope resolver.Scope) (ask, Facts) {
	a := ask{method: m, match: resolver.Match{Route: &resolver.Route{Who: who, Scope: scope}, ID: "x"}}
	switch {
	case k != nil:
		a.credential = KeyCredential
	case s != nil:
		a.credential = SessionCredential
	}
	return a, Facts{Key: k, Session: s}
}

// Who may call: each row of who against each kind of caller, with a method that reads and one that writes.
func TestDecideWho(t *testing.T) {
	revoked, expired := key(Write, "u", true), key(Write, "u", true)
	revoked.Revoked, expired.Expires = true, InstantOf(noon)
	over, ended := session("u", UserRoleOwner), session("u", UserRoleOwner)
	over.ExpiresAt, ended.RevokedAt = noon, noon.Add(-time.Hour)

	callers := []struct {
		name string
		k    *KeyRecord
		s    *Session
	}{
		{"nobody", nil, nil},
		{"owner", nil, session("u", UserRoleOwner)},
		{"user", nil, session("u", UserRoleUser)},
		{"expired session", nil, over},
		{"revoked session", nil, ended},
		{"write key", key(Write, "u", true), nil},
		{"read key", key(Read, "u", true), nil},
		{"revoked key", revoked, nil},
		{"expired key", expired, nil},
	}
	const (
		ok    = Reason(0)
		key   = InvalidKey
		auth  = AuthenticationRequired
		brows = BrowserSessionRequired
		owner = OwnerRequired
		ro    = ReadOnlyKey
	)
	for _, row := range []struct {
		who    resolver.Who
		method resolver.Method
		want   [9]Reason
	}{ //                       nobody owner user  expired revoked write  read  revoked expired
		{resolver.Browser, resolver.GET, [9]Reason{ok, ok, ok, ok, ok, brows, brows, key, key}},
		{resolver.Browser, resolver.POST, [9]Reason{ok, ok, ok, ok, ok, brows, brows, key, key}},
		{resolver.Session, resolver.GET, [9]Reason{auth, ok, ok, auth, auth, brows, brows, key, key}},
		{resolver.Session, resolver.POST, [9]Reason{auth, ok, ok, auth, auth, brows, brows, key, key}},
		{resolver.Owner, resolver.GET, [9]Reason{auth, ok, owner, auth, auth, brows, brows, key, key}},
		{resolver.Owner, resolver.DELETE, [9]Reason{auth, ok, owner, auth, auth, brows, brows, key, key}},
		{resolver.Any, resolver.GET, [9]Reason{auth, ok, ok, auth, auth, ok, ok, key, key}},
		{resolver.Any, resolver.POST, [9]Reason{auth, ok, ok, auth, auth, ok, ro, key, key}},
		{resolver.Any, resolver.PUT, [9]Reason{auth, ok, ok, auth, auth, ok, ro, key, key}},
		{resolver.Any, resolver.PATCH, [9]Reason{auth, ok, ok, auth, auth, ok, ro, key, key}},
		{resolver.Any, resolver.DELETE, [9]Reason{auth, ok, ok, auth, auth, ok, ro, key, key}},
	} {
		for i, c := range callers {
			a, f := asking(c.k, c.s, row.method, row.who, resolver.Nothing)
			got := decideAt(a, f, noon)
			if got.Reason != row.want[i] || got.Allowed != (row.want[i] == ok) {
				t.Errorf("who %d, method %d, %s: %+v, want reason %d", row.who, row.method, c.name, got, row.want[i])
			}
		}
	}
}

// At the instant of expiry a key and a session are over; a microsecond before they are not.
func TestDecideAtTheInstantOfExpiry(t *testing.T) {
	k, s := key(Read, "", true), session("u", UserRoleUser)
	k.Expires, s.ExpiresAt = InstantOf(noon), noon
	for _, tc := range []struct {
		at   time.Time
		live bool
	}{
		{noon.Add(-time.Microsecond), true}, {noon, false}, {noon.Add(time.Microsecond), false},
	} {
		a, f := asking(k, nil, resolver.GET, resolver.Any, resolver.Nothing)
		if d := decideAt(a, f, tc.at); d.Allowed != tc.live {
			t.Errorf("key at %v: %+v", tc.at, d)
		}
		a, f = asking(nil, s, resolver.GET, resolver.Any, resolver.Nothing)
		if d := decideAt(a, f, tc.at); d.Allowed != tc.live {
			t.Errorf("session at %v: %+v", tc.at, d)
		}
	}
}

// A key that was revoked is told from one that expired in the log, whichever came first; to the client they are one.
func TestDecideDetail(t *testing.T) {
	k := key(Read, "", true)
	k.Expires, k.Revoked = InstantOf(noon.Add(-time.Hour)), true
	a, f := asking(k, nil, resolver.GET, resolver.Any, resolver.Nothing)
	if d := decideAt(a, f, noon); d.Reason != InvalidKey || d.Detail != "revoked" {
		t.Errorf("%+v", d)
	}
}

// The rules of scope: who reaches a project of whom, whether it is asked for by its id or through what is in it.
func TestDecideScope(t *testing.T) {
	const in, out = true, false
	callers := []struct {
		name string
		k    *KeyRecord
		s    *Session
	}{
		{"all key of u", key(Write, "u", true), nil},
		{"selected key of u", key(Write, "u", false), nil},
		{"all key of nobody", key(Write, "", true), nil},
		{"selected key of nobody", key(Write, "", false), nil},
		{"owner session of u", nil, session("u", UserRoleOwner)},
		{"user session of u", nil, session("u", UserRoleUser)},
		{"owner session of nobody", nil, session("", UserRoleOwner)},
		{"user session of nobody", nil, session("", UserRoleUser)},
	}
	unknown := []ProjectRef{}
	for _, row := range []struct {
		name    string
		project []ProjectRef
		want    [8]bool
	}{ //                                                  all  sel  all0 sel0 owner user owner0 user0
		{"u's", []ProjectRef{owned("u")}, [8]bool{in, out, in, out, in, in, in, in}},
		{"u's, selected", []ProjectRef{picked("u")}, [8]bool{in, in, in, in, in, in, in, in}},
		{"v's", []ProjectRef{owned("v")}, [8]bool{out, out, in, out, out, out, in, in}},
		{"v's, selected", []ProjectRef{picked("v")}, [8]bool{out, out, in, in, out, out, in, in}},
		{"nobody's", []ProjectRef{owned("")}, [8]bool{out, out, in, out, in, out, in, in}},
		{"nobody's, selected", []ProjectRef{picked("")}, [8]bool{out, out, in, in, in, out, in, in}},
		{"unknown", unknown, [8]bool{out, out, in, out, out, out, out, out}},
	} {
		for _, scope := range []resolver.Scope{resolver.Project, resolver.Service, resolver.Deployment, resolver.ServiceTransfer} {
			for i, c := range callers {
				a, f := asking(c.k, c.s, resolver.POST, resolver.Any, scope)
				f.Projects = row.project
				a.transferTo = new(string) // a transfer to where the service is already: it turns on one project
				if len(row.project) > 0 {
					f.TransferTo = &row.project[0]
				}
				got := decideAt(a, f, noon)
				want := Decision{Allowed: true, Grant: Grant{Principal: Principal{Key: c.k, Session: c.s}}}
				switch {
				case !row.want[i] && c.k != nil:
					want = Decision{Reason: KeyOutOfScope, Detail: got.Detail}
				case !row.want[i]:
					want = Decision{Reason: SessionOutOfScope, Detail: got.Detail}
				case len(row.project) > 0:
					want.Grant.ProjectID = row.project[0].ID
				}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(KeyRecord{})); diff != "" {
					t.Errorf("%s, project %s, scope %d (-want +got):\n%s", c.name, row.name, scope, diff)
				}
			}
		}
	}
}

// A key for selected projects creates none; every other caller who may write does.
func TestDecideProjectCreate(t *testing.T) {
	for _, tc := range []struct {
		k    *KeyRecord
		s    *Session
		want Reason
	}{
		{key(Write, "u", true), nil, 0},
		{key(Write, "", true), nil, 0},
		{key(Write, "u", false), nil, KeyOutOfScope},
		{key(Write, "", false), nil, KeyOutOfScope},
		{key(Read, "u", false), nil, ReadOnlyKey},
		{nil, session("u", UserRoleUser), 0},
	} {
		a, f := asking(tc.k, tc.s, resolver.POST, resolver.Any, resolver.ProjectCreate)
		if got := decideAt(a, f, noon); got.Reason != tc.want || got.Grant.ProjectID != "" {
			t.Errorf("%+v: %+v, want reason %d", tc.k, got, tc.want)
		}
	}
}

// A slug means the caller's own project, for an owner's session else the ownerless one, and nothing to a caller without
// a user when two bear it.
func TestDecideSlug(t *testing.T) {
	const none = "-"
	us, free := picked("u"), picked("")
	for _, tc := range []struct {
		name       string
		k          *KeyRecord
		s          *Session
		candidates []ProjectRef
		want       string // project id, or none for out of scope
	}{
		{"own", key(Read, "u", true), nil, []ProjectRef{us}, "picked-of-u"},
		{"own beside ownerless", key(Read, "u", true), nil, []ProjectRef{free, us}, "picked-of-u"},
		{"ownerless, key", key(Read, "u", true), nil, []ProjectRef{free}, none},
		{"ownerless, selected key", key(Read, "u", false), nil, []ProjectRef{free}, none},
		{"own, not selected", key(Read, "u", false), nil, []ProjectRef{owned("u")}, none},
		{"own, selected", key(Read, "u", false), nil, []ProjectRef{us}, "picked-of-u"},
		{"ownerless, owner", nil, session("u", UserRoleOwner), []ProjectRef{free}, "picked-of-"},
		{"own beside ownerless, owner", nil, session("u", UserRoleOwner), []ProjectRef{free, us}, "picked-of-u"},
		{"ownerless, user", nil, session("u", UserRoleUser), []ProjectRef{free}, none},
		{"own, user", nil, session("u", UserRoleUser), []ProjectRef{us}, "picked-of-u"},
		{"nothing", key(Read, "u", true), nil, nil, none},
		{"no user, one", nil, session("", UserRoleUser), []ProjectRef{us}, "picked-of-u"},
		{"no user, two", nil, session("", UserRoleUser), []ProjectRef{us, free}, none},
		{"no user, selected key, one", key(Read, "", false), nil, []ProjectRef{us}, "picked-of-u"},
		{"no user, selected key, two", key(Read, "", false), nil, []ProjectRef{us, picked("v")}, none},
		{"no user, all key, one", key(Read, "", true), nil, []ProjectRef{us}, "picked-of-u"},
		{"no user, all key, two", key(Read, "", true), nil, []ProjectRef{us, picked("v")}, ""},
		{"no user, all key, nothing", key(Read, "", true), nil, nil, ""},
	} {
		a, f := asking(tc.k, tc.s, resolver.GET, resolver.Any, resolver.ProjectSlug)
		f.Projects, f.Unowned = split(Principal{tc.k, tc.s}, tc.candidates)
		got := decideAt(a, f, noon)
		if got.Allowed != (tc.want != none) || got.Allowed && got.Grant.ProjectID != tc.want {
			t.Errorf("%s: %+v, want project %q", tc.name, got, tc.want)
		}
	}
}

// A transfer needs both ends. Where no target is named, a selected key is refused and the upstream checks the others.
func TestDecideTransfer(t *testing.T) {
	us, vs, picks := owned("u"), owned("v"), picked("u")
	id := "named"
	const ok, unchecked, refused = "ok", "unchecked", "refused"
	for _, tc := range []struct {
		name  string
		k     *KeyRecord
		s     *Session
		from  ProjectRef
		named *string
		to    *ProjectRef
		want  string
	}{
		{"both own", key(Write, "u", true), nil, us, &id, &us, ok},
		{"to another's", key(Write, "u", true), nil, us, &id, &vs, refused},
		{"from another's", key(Write, "u", true), nil, vs, &id, &us, refused},
		{"to unknown", key(Write, "u", true), nil, us, &id, nil, refused},
		{"none named", key(Write, "u", true), nil, us, nil, nil, unchecked},
		{"none named, from another's", key(Write, "u", true), nil, vs, nil, nil, refused},
		{"selected, both", key(Write, "u", false), nil, picks, &id, &picks, ok},
		{"selected, to one not selected", key(Write, "u", false), nil, picks, &id, &us, refused},
		{"selected, none named", key(Write, "u", false), nil, picks, nil, nil, refused},
		{"no user, to unknown", key(Write, "", true), nil, us, &id, nil, ok},
		{"no user, none named", key(Write, "", true), nil, us, nil, nil, unchecked},
		{"no user, selected, to unknown", key(Write, "", false), nil, picks, &id, nil, refused},
		{"session, both", nil, session("u", UserRoleUser), us, &id, &us, ok},
		{"session, to another's", nil, session("u", UserRoleUser), us, &id, &vs, refused},
		{"session, none named", nil, session("u", UserRoleUser), us, nil, nil, unchecked},
		{"session, no user, to unknown", nil, session("", UserRoleOwner), us, &id, nil, refused},
	} {
		a, f := asking(tc.k, tc.s, resolver.POST, resolver.Any, resolver.ServiceTransfer)
		f.Projects, a.transferTo, f.TransferTo = []ProjectRef{tc.from}, tc.named, tc.to
		d := decideAt(a, f, noon)
		got := refused
		switch {
		case d.Allowed && d.Grant.TransferTargetUnchecked:
			got = unchecked
		case d.Allowed:
			got = ok
		}
		if got != tc.want {
			t.Errorf("%s: %+v, want %s", tc.name, d, tc.want)
		}
	}
}

// What a list route grants: exactly the projects that the same caller reaches one by one.
func TestDecideVisible(t *testing.T) {
	candidates := []ProjectRef{
		{ID: "3", OwnerID: "u"}, {ID: "1", OwnerID: "u"}, {ID: "5", OwnerID: "v"}, {ID: "4", OwnerID: ""}, {ID: "2", OwnerID: ""},
	}
	ids := func(ids ...string) *ProjectScope { return &ProjectScope{IDs: ids} }
	for _, tc := range []struct {
		name string
		k    *KeyRecord
		s    *Session
		want *ProjectScope
	}{
		{"all key", key(Read, "u", true), nil, ids("1", "3")},
		{"selected key", key(Read, "u", false), nil, ids("1")},
		{"all key, no user", key(Read, "", true), nil, &ProjectScope{All: true}},
		{"selected key, no user", key(Read, "", false), nil, ids("1", "2", "5")},
		{"selected key, nothing left", key(Read, "w", false), nil, &ProjectScope{}},
		{"owner", nil, session("u", UserRoleOwner), ids("1", "2", "3", "4")},
		{"user", nil, session("u", UserRoleUser), ids("1", "3")},
		{"session without user", nil, session("", UserRoleUser), &ProjectScope{All: true}},
	} {
		a, f := asking(tc.k, tc.s, resolver.GET, resolver.Any, resolver.ProjectList)
		if tc.k != nil && !tc.k.Projects.All {
			tc.k.Projects.IDs = []string{"1", "2", "5"}
		}
		f.Projects, f.Unowned = split(Principal{tc.k, tc.s}, candidates)
		got := decideAt(a, f, noon)
		if diff := cmp.Diff(tc.want, got.Grant.Visible); diff != "" || !got.Allowed {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// decideAt decides by facts as they are at an instant.
func decideAt(a ask, f Facts, now time.Time) (d Decision) {
	f.Now = now
	d.set(decide(&a, &f))
	return d
}
