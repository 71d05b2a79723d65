// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

func lookupCredentials(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"))
	expired := newKey("expired", "ada")
	expired.ExpiresAt = noon.Add(-time.Hour)
	over := session("over", "ada", authz.UserRoleUser)
	over.ExpiresAt = noon.Add(-time.Hour)
	f.create(t, newKey("all", ""), newKey("selected", "ada", "p"), expired, newKey("both", ""))
	f.session(t, session("good", "ada", authz.UserRoleOwner), over, session("both", "bob", authz.UserRoleUser))
	if err := f.RecordUse(t.Context(), []authz.KeyUse{{KeyID: "all", At: noon}}); err != nil {
		t.Fatal(err)
	}

	for _, scope := range []resolver.Scope{resolver.Nothing, resolver.ProjectList, resolver.ProjectCreate, resolver.Project,
		resolver.ProjectSlug, resolver.Service, resolver.Deployment, resolver.ServiceTransfer} {
		for _, id := range []string{"all", "selected", "expired", "both"} {
			want := f.key(t, id)
			facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(id), Scope: scope, ID: "p"})
			same(t, "key "+id, facts.Key, want.Record())
			same(t, "session of key "+id, facts.Session, (*authz.Session)(nil))
		}
		for token, want := range map[string]authz.Session{"good": session("good", "ada", authz.UserRoleOwner), "over": over,
			"both": session("both", "bob", authz.UserRoleUser)} {
			facts := f.lookup(t, authz.Query{Kind: authz.SessionCredential, Digest: digest(token), Scope: scope, ID: "p"})
			same(t, "session "+token, facts.Session, &want)
			same(t, "key of session "+token, facts.Key, (*authz.KeyRecord)(nil))
		}
		for _, q := range []authz.Query{
			{Kind: authz.KeyCredential, Digest: digest("unknown")},
			{Kind: authz.KeyCredential, Digest: digest("good")}, // a session's
			{Kind: authz.SessionCredential, Digest: digest("all")},
			{Kind: authz.SessionCredential},
		} {
			q.Scope, q.ID = scope, "p"
			facts := f.lookup(t, q)
			if facts.Key != nil || facts.Session != nil {
				t.Errorf("scope %d: an unknown credential found %v, %v", scope, facts.Key, facts.Session)
			}
		}
	}
}

// lookupImported finds keys that Aeroplane made: what is stored of them is the digest of the whole text, as of any other.
func lookupImported(t *testing.T, f *fixture) {
	const prefix = "ap_Zm9vYmFy"
	text := prefix + "_" + strings.Repeat("-aB3_", 8) + "xyz"
	if apikey.FormOf(text) != apikey.Imported {
		t.Fatalf("%s is not of Aeroplane's format", text)
	}
	imported := newKey("imported", "ada")
	imported.Prefix, imported.Digest = prefix, apikey.DigestOf(text)
	f.create(t, imported, newKey("other", "ada"))
	for _, test := range []struct {
		text string
		want *authz.KeyRecord
	}{{text, imported.Key.Record()}, {text[:len(text)-1] + "Z", nil}, {prefix, nil}, {text[len(prefix)+1:], nil}} {
		facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: apikey.DigestOf(test.text)})
		same(t, test.text, facts.Key, test.want)
	}
}

// credentials are those that lookups are tried with, of every kind that matters to what they find.
var credentials = []struct {
	name  string
	query authz.Query
}{
	{"key for all", authz.Query{Kind: authz.KeyCredential, Digest: digest("all")}},
	{"key for all of ada's", authz.Query{Kind: authz.KeyCredential, Digest: digest("ada-all")}},
	{"key for selected", authz.Query{Kind: authz.KeyCredential, Digest: digest("selected")}},
	{"key for selected of ada's", authz.Query{Kind: authz.KeyCredential, Digest: digest("ada-selected")}},
	{"session", authz.Query{Kind: authz.SessionCredential, Digest: digest("single")}},
	{"ada's session", authz.Query{Kind: authz.SessionCredential, Digest: digest("ada")}},
	{"ada's session as an owner", authz.Query{Kind: authz.SessionCredential, Digest: digest("ada-owner")}},
}

// makeCredentials makes them. The selected keys have selected a, and the one without a user b and o, too.
func (f *fixture) makeCredentials(t testing.TB) {
	t.Helper()
	f.projects(t, project("a", "ada"), project("a2", "ada"), project("b", "bob"), project("o", ""))
	f.create(t, newKey("all", ""), newKey("ada-all", "ada"), newKey("selected", "", "a", "b", "o"),
		newKey("ada-selected", "ada", "a"))
	f.session(t, session("single", "", authz.UserRoleUser), session("ada", "ada", authz.UserRoleUser),
		session("ada-owner", "ada", authz.UserRoleOwner))
}

func lookupScopes(t *testing.T, f *fixture) {
	f.makeCredentials(t)
	f.services(t, authz.Service{ID: "sa", ProjectID: "a"}, authz.Service{ID: "sb", ProjectID: "b"},
		authz.Service{ID: "so", ProjectID: "o"}, authz.Service{ID: "dangling", ProjectID: "unknown"},
		authz.Service{ID: "a", ProjectID: "b"}) // bears a project's id, and is not it
	f.deployments(t, authz.Deployment{ID: "da", ServiceID: "sa"}, authz.Deployment{ID: "db", ServiceID: "sb"},
		authz.Deployment{ID: "hanging", ServiceID: "dangling"}, authz.Deployment{ID: "lost", ServiceID: "unknown"},
		authz.Deployment{ID: "sa", ServiceID: "sb"})
	owners := map[string]string{"a": "ada", "a2": "ada", "b": "bob", "o": ""}

	for _, test := range []struct {
		scope resolver.Scope
		id    string
		want  string // the project; empty: none
	}{
		{resolver.Project, "a", "a"},
		{resolver.Project, "a2", "a2"},
		{resolver.Project, "b", "b"},
		{resolver.Project, "o", "o"},
		{resolver.Project, "A", ""},
		{resolver.Project, "slug-a", ""},
		{resolver.Project, "sa", ""},
		{resolver.Project, "", ""},
		{resolver.Service, "sa", "a"},
		{resolver.Service, "sb", "b"},
		{resolver.Service, "so", "o"},
		{resolver.Service, "a", "b"},
		{resolver.Service, "dangling", ""},
		{resolver.Service, "SA", ""},
		{resolver.Service, "b", ""},
		{resolver.Deployment, "da", "a"},
		{resolver.Deployment, "db", "b"},
		{resolver.Deployment, "sa", "b"},
		{resolver.Deployment, "hanging", ""},
		{resolver.Deployment, "lost", ""},
		{resolver.Deployment, "sb", ""},
		{resolver.ServiceTransfer, "sa", "a"},
		{resolver.ServiceTransfer, "dangling", ""},
		{resolver.ServiceTransfer, "unknown", ""},
		{resolver.Nothing, "a", ""},
		{resolver.ProjectCreate, "a", ""},
	} {
		for _, c := range credentials {
			q := c.query
			q.Scope, q.ID = test.scope, test.id
			var want []authz.ProjectRef
			if test.want != "" {
				want = []authz.ProjectRef{{ID: test.want, OwnerID: owners[test.want]}}
			}
			facts := f.lookup(t, q)
			if facts.Key == nil && facts.Session == nil {
				t.Errorf("%s is unknown", c.name)
			}
			if facts.TransferTo != nil {
				t.Errorf("%s: a transfer's target was found, none was named", c.name)
			}
			same(t, fmt.Sprintf("%s, scope %d, id %q", c.name, test.scope, test.id), facts.Projects, want)
		}
	}
}

func lookupMoves(t *testing.T, f *fixture) {
	f.create(t, newKey("k", "ada"))
	reached := func(scope resolver.Scope, id string) string {
		t.Helper()
		facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest("k"), Scope: scope, ID: id})
		if len(facts.Projects) == 0 {
			return ""
		}
		return facts.Projects[0].ID
	}
	for _, step := range []struct {
		name string
		do   func()
		want string // the project of the deployment and of its service
	}{
		{"a deployment alone", func() { f.deployments(t, authz.Deployment{ID: "d", ServiceID: "s"}) }, ""},
		{"its service comes", func() { f.services(t, authz.Service{ID: "s", ProjectID: "p"}) }, ""},
		{"its project comes", func() { f.projects(t, project("p", "ada")) }, "p"},
		{"the service moves", func() {
			f.projects(t, project("q", "ada"))
			f.services(t, authz.Service{ID: "s", ProjectID: "q"})
		}, "q"},
		{"the project it left goes", func() { f.deleteProjects(t, "p") }, "q"},
		{"its project goes", func() { f.deleteProjects(t, "q") }, ""},
		{"its project comes back", func() { f.projects(t, project("q", "bob")) }, "q"},
	} {
		step.do()
		same(t, step.name+": deployment", reached(resolver.Deployment, "d"), step.want)
		same(t, step.name+": service", reached(resolver.Service, "s"), step.want)
	}
	if _, err := f.DeleteServices(t.Context(), at(0), []string{"s"}); err != nil {
		t.Fatal(err)
	}
	same(t, "its service goes: deployment", reached(resolver.Deployment, "d"), "")
	listed, err := f.Deployments(t.Context(), "s", everything)
	same(t, "its service goes: list", must(t, listed, err), []authz.Deployment{{ID: "d", ServiceID: "s"}})
}

func lookupTransfer(t *testing.T, f *fixture) {
	f.makeCredentials(t)
	f.services(t, authz.Service{ID: "s", ProjectID: "a2"}, authz.Service{ID: "dangling", ProjectID: "unknown"})
	for _, c := range credentials {
		q := c.query
		q.Scope = resolver.ServiceTransfer
		for target, owner := range map[string]string{"a": "ada", "b": "bob", "o": "", "a2": "ada"} {
			for _, q.ID = range []string{"s", "dangling", "unknown"} {
				q.TransferTo = ptr(target)
				facts := f.lookup(t, q)
				same(t, c.name+" to "+target, facts.TransferTo, &authz.ProjectRef{ID: target, OwnerID: owner})
				if known := q.ID == "s"; known != (len(facts.Projects) == 1 && facts.Projects[0].ID == "a2") {
					t.Errorf("%s: service %s: %v", c.name, q.ID, facts.Projects)
				}
			}
		}
		for _, q.TransferTo = range []*string{nil, ptr(""), ptr("A"), ptr("unknown")} {
			q.ID = "s"
			same(t, c.name+" to nothing known", f.lookup(t, q).TransferTo, (*authz.ProjectRef)(nil))
		}
	}
}
