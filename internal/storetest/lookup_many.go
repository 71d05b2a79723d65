// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// lookupSlugs: a caller with a user finds their own project and nobody's; one without finds enough to see that a slug
// is not clear.
func lookupSlugs(t *testing.T, f *fixture) {
	f.makeCredentials(t)
	var bearers []authz.Project
	put := func(id, slug, owner string) {
		p := authz.Project{ID: id, Slug: slug, Name: slug, OwnerID: owner}
		bearers = append(bearers, p)
		f.projects(t, p)
	}
	put("adas-web", "web", "ada")
	put("bobs-web", "web", "bob")
	put("nobodys-web", "web", "")
	put("adas-api", "api", "ada")
	put("bobs-api", "api", "bob")
	put("nobodys-doc", "doc", "")
	put("bobs-own", "own", "bob")
	put("Web", "Web", "ada")
	put("web ", "web ", "ada")

	for _, slug := range []string{"web", "api", "doc", "own", "Web", "web ", "we", "w_b", "w%", ""} {
		for _, c := range credentials {
			q := c.query
			q.Scope, q.ID = resolver.ProjectSlug, slug
			facts := f.lookup(t, q)
			user := authz.Principal{Key: facts.Key, Session: facts.Session}.UserID()
			var all, own, unowned []authz.ProjectRef
			for _, p := range bearers {
				if p.Slug != slug {
					continue
				}
				ref := authz.ProjectRef{ID: p.ID, OwnerID: p.OwnerID}
				all = append(all, ref)
				switch p.OwnerID {
				case user:
					own = append(own, ref)
				case "":
					unowned = append(unowned, ref)
				}
			}
			what := c.name + ", slug " + slug
			switch {
			case user != "":
				same(t, what, facts.Projects, own)
				same(t, what+", unowned", facts.Unowned, unowned)
			case len(all) < 2:
				same(t, what, facts.Projects, all)
			default:
				subset(t, what, facts.Projects, all)
				if len(facts.Projects) < 2 {
					t.Errorf("%s: %v, want any two of %v", what, facts.Projects, all)
				}
			}
		}
	}

	// A slug's project is selected like any other.
	for credential, want := range map[string]bool{"ada-selected": true, "ada-all": false} {
		facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(credential), Scope: resolver.ProjectSlug,
			ID: "slug-a"})
		same(t, credential, facts.Projects, []authz.ProjectRef{{ID: "a", OwnerID: "ada"}})
		same(t, credential+", selected", selects(facts), want)
	}
}

// lookupLists: whatever the caller may see is among the facts, and each fact is true.
func lookupLists(t *testing.T, f *fixture) {
	f.makeCredentials(t)
	for credential, reached := range map[string][]string{
		"key for all":               nil,
		"key for all of ada's":      {"a", "a2"},
		"key for selected":          nil,
		"key for selected of ada's": {"a", "a2"},
		"session":                   nil,
		"ada's session":             {"a", "a2"},
		"ada's session as an owner": {"a", "a2", "o"},
	} {
		var known []authz.ProjectRef
		for id, owner := range map[string]string{"a": "ada", "a2": "ada", "b": "bob", "o": ""} {
			known = append(known, authz.ProjectRef{ID: id, OwnerID: owner})
		}
		i := slices.IndexFunc(credentials, func(c struct {
			name  string
			query authz.Query
		}) bool {
			return c.name == credential
		})
		q := credentials[i].query
		q.Scope = resolver.ProjectList
		facts := f.lookup(t, q)
		all := slices.Concat(facts.Projects, facts.Unowned)
		subset(t, credential, all, known)
		for _, id := range reached {
			if !slices.ContainsFunc(all, func(p authz.ProjectRef) bool { return p.ID == id }) {
				t.Errorf("%s: %s is missing from %v", credential, id, all)
			}
		}
		if reached == nil && len(all) > 0 {
			t.Errorf("%s: %v are listed for a caller who is shown all, or a selection", credential, all)
		}
	}
}

// subset checks that each of got is one of all, and none is there twice.
func subset(t testing.TB, what string, got, all []authz.ProjectRef) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range got {
		if !slices.Contains(all, p) || seen[p.ID] {
			t.Errorf("%s: %+v is wrong, or there twice; right are %+v", what, p, all)
		}
		seen[p.ID] = true
	}
}
