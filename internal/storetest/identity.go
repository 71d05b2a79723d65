// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// lookAlikes are ids that some database would take for one another: by case, by pattern, by language, as numbers. They
// are in the order of their bytes, which is that of no language.
var lookAlikes = []string{
	"-", "0", "00", "01", "1", "1.0", "10", "1e1", "2", "A", "B", "NULL", "_", "_x", "a", "a-b", "a.b", "a_b", "ab", "b",
	"nULL", "null", "proj-1", "projX1", "proj_1", "true", "~",
}

func lookAlikeIDs(t *testing.T, f *fixture) {
	if !slices.IsSorted(lookAlikes) {
		t.Fatal("the list is to be in order")
	}
	backwards := slices.Clone(lookAlikes)
	slices.Reverse(backwards)
	for _, id := range backwards {
		f.projects(t, project(id, "ada"))
		f.services(t, authz.Service{ID: id, ProjectID: id})
		f.deployments(t, authz.Deployment{ID: id, ServiceID: id})
		k := newKey(id, "", id)
		f.create(t, k)
		f.session(t, session(id, id, authz.UserRoleUser))
	}
	same(t, "projects", ids(f.listed(t), func(p authz.Project) string { return p.ID }), lookAlikes)
	services, err := f.Services(t.Context(), "", everything)
	same(t, "services", ids(must(t, services, err), func(s authz.Service) string { return s.ID }), lookAlikes)
	deployments, err := f.Deployments(t.Context(), "", everything)
	same(t, "deployments", ids(must(t, deployments, err), func(d authz.Deployment) string { return d.ID }), lookAlikes)
	same(t, "keys", f.keyIDs(t, anyKey), backwards)

	for _, id := range lookAlikes {
		for _, scope := range []resolver.Scope{resolver.Project, resolver.Service, resolver.Deployment} {
			q := authz.Query{Kind: authz.KeyCredential, Digest: digest(id), Scope: scope, ID: id}
			want := []authz.ProjectRef{{ID: id, OwnerID: "ada"}}
			facts := f.lookup(t, q)
			same(t, "reached by "+id, facts.Projects, want)
			same(t, "selected by "+id, selects(facts), true)
		}
		same(t, "selection of "+id, f.key(t, id).Projects.IDs, []string{id})
		same(t, "keys for "+id, f.keyIDs(t, authz.KeyFilter{ProjectID: id, States: allStates, Now: noon}), []string{id})
		children, err := f.Services(t.Context(), id, everything)
		same(t, "services of "+id, must(t, children, err), []authz.Service{{ID: id, ProjectID: id}})
	}

	// Each is changed alone.
	for i, id := range lookAlikes {
		same(t, "deleted "+id, f.deleteProjects(t, id), 1)
		left := len(lookAlikes) - i - 1
		same(t, "projects left after "+id, len(f.listed(t)), left)
		if _, err := f.RevokeKey(t.Context(), at(0), id); err != nil {
			t.Error(err)
		}
		same(t, "live keys left after "+id, len(f.keyIDs(t, authz.KeyFilter{States: allStates[:1], Now: noon})), left)
		n, err := f.RevokeSessionsOfUser(t.Context(), at(0), id)
		same(t, "sessions revoked of "+id, must(t, n, err).N, 1)
	}
}

// lookAlikeWords are words that look the same, or are the same to some database: case, blanks, quotes, patterns,
// composed and decomposed letters, letters of other scripts, invisible ones, and beyond 16 bits.
var lookAlikeWords = []string{
	"web", "Web", "WEB", "web ", " web", "web\u00a0", "we%", "w_b", "web\u200b", "wеb" /* Cyrillic е */, "ｗｅｂ",
	"caf\u00e9", "cafe\u0301", "cafe", "CAF\u00c9", "straße", "strasse", "ı", "i", "İ", "ﬁ", "fi", "🛩",
	"🛩\ufe0f", "'; --", `\x77`, `"web"`, "null",
}

func lookAlikeTexts(t *testing.T, f *fixture) {
	f.create(t, newKey("k", "ada"))
	for i, word := range lookAlikeWords {
		id := string(rune('A'+i/26)) + string(rune('a'+i%26))
		f.projects(t, authz.Project{ID: id, Slug: word, Name: word, OwnerID: "ada"})
		named := newKey(id, "ada")
		named.Name, named.RequestID, named.Fingerprint = word, "request "+word, digest(id)
		f.create(t, named)
	}
	listed := f.listed(t)
	if len(listed) != len(lookAlikeWords) {
		t.Fatalf("%d projects, want %d", len(listed), len(lookAlikeWords))
	}
	for i, word := range lookAlikeWords {
		p := listed[i]
		same(t, "project", p, authz.Project{ID: p.ID, Slug: word, Name: word, OwnerID: "ada"})
		same(t, "key", f.key(t, p.ID).Name, word)
		q := authz.Query{Kind: authz.KeyCredential, Digest: digest("k"), Scope: resolver.ProjectSlug, ID: word}
		same(t, "slug "+word, f.lookup(t, q).Projects, []authz.ProjectRef{{ID: p.ID, OwnerID: "ada"}})
	}
}

func lookAlikeUsers(t *testing.T, f *fixture) {
	users := []string{"ada", "Ada", "ADA", "a_a", "a%", "ad", "ada1", "ada@example.org", "0", "00", "'ada'"}
	for _, user := range users {
		p := authz.Project{ID: "p-" + hexOf(user), Slug: "same", OwnerID: user}
		f.projects(t, p)
		f.create(t, newKey("k-"+user, user), newKey("s-"+user, user, p.ID))
	}
	for _, user := range users {
		id := "p-" + hexOf(user)
		q := authz.Query{Kind: authz.KeyCredential, Digest: digest("k-" + user), Scope: resolver.ProjectSlug, ID: "same"}
		same(t, "slug of "+user, f.lookup(t, q).Projects, []authz.ProjectRef{{ID: id, OwnerID: user}})
		reaching := authz.KeyFilter{ProjectID: id, States: allStates, Now: noon}
		same(t, "keys for the project of "+user, len(f.keyIDs(t, reaching)), 2)
		same(t, "keys of "+user, len(f.keyIDs(t, authz.KeyFilter{UserID: &user, States: allStates, Now: noon})), 2)
	}
	for _, user := range users {
		n, err := f.RevokeKeysOfUser(t.Context(), at(time.Second), user)
		same(t, "revoked of "+user, must(t, n, err).N, 2)
	}
}

// hexOf makes an id of any text.
func hexOf(text string) string { return hex.EncodeToString([]byte(text)) }
