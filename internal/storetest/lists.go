// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// listedNames are names of which some database would make another order or another search: by language, by patterns, by quotes. Several
// bear one name, and several the same but for the case of letters, of ASCII or not.
var listedNames = slices.Concat(lookAlikeWords, []string{
	"web", "web", "WEB", "wEb", "A", "a", "Z", "z", "[", "^", "_", "`", "{", "~", "Ärger", "ärger", "É", "é", "a%b", "a_b", `a\b`, "it's", "0", "10", "2",
})

// queries are what is searched for: in any case, as it is, nothing of it a pattern.
var queries = []string{
	"", "web", "WEB", "eB", "%", "_", `\`, "'", `"`, "'; --", "a%b", `\x77`, "w_b", "é", "É", "e\u0301", "ı", "i", "🛩", "е", "no such",
	"AP_X0", "k07", "K07", "LUG-k1",
}

// folded is text as it is compared: its ASCII letters in lower case.
func folded(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// found reports whether one of the texts contains what is searched for.
func found(query string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(folded(text), folded(query)) })
}

// ordered is the order of names, and then of ids.
func ordered(aName, aID, bName, bID string) int {
	return cmp.Or(cmp.Compare(folded(aName), folded(bName)), cmp.Compare(aName, bName), cmp.Compare(aID, bID))
}

// listedID is another one for each i, in no order, and now and then in capitals.
func listedID(i int) string { return fmt.Sprintf("%c%02d", "kkK"[i%3], i*29%len(listedNames)) }

func namedKeyCursor(k authz.Key) authz.Cursor { return authz.Cursor{Name: k.Name, ID: k.ID} }

func namedProjectCursor(p authz.Project) authz.Cursor { return authz.Cursor{Name: p.Name, ID: p.ID} }

// someSizes compares a list read by pages of some sizes, and as a whole.
func someSizes[T any](t testing.TB, what string, want []string, cursor func(T) authz.Cursor, fetch func(authz.Page) ([]T, error)) {
	t.Helper()
	for _, size := range []int{1, 2, 7, everything.Size} {
		same(t, fmt.Sprintf("%s by %d", what, size), pages(t, size, cursor, fetch), want)
	}
}

// listKeys lists the keys by each filter and in each order, beside the same done in Go.
func listKeys(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"))
	var made []authz.Key
	for i, name := range listedNames {
		k := newKey(listedID(i), []string{"ada", "bob", "ada", ""}[i%4])
		k.Name, k.Prefix, k.CreatedAt = name, fmt.Sprintf("ap_x%02d", i), noon.Add(time.Duration(i/5)*time.Second)
		if i%5 > 2 {
			k.Access = authz.Read
		}
		f.create(t, k)
		if i%7 == 3 {
			_, err := f.RevokeKey(t.Context(), at(0), k.ID)
			must(t, k.ID, err)
		}
		made = append(made, f.key(t, k.ID))
	}
	orders := []struct {
		order   authz.Order
		cursor  func(authz.Key) authz.Cursor
		compare func(a, b authz.Key) int
	}{
		{"", keyCursor, func(a, b authz.Key) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID)) }},
		{authz.ByName, namedKeyCursor, func(a, b authz.Key) int { return ordered(a.Name, a.ID, b.Name, b.ID) }},
	}
	for _, o := range orders {
		slices.SortFunc(made, o.compare)
		for _, filter := range keyFiltersToList() {
			want := []string{}
			for _, k := range made {
				if (filter.UserID == nil || k.UserID == *filter.UserID) && (filter.Access == 0 || k.Access == filter.Access) &&
					(filter.ProjectID == "" || k.UserID != "bob") && slices.Contains(filter.States, k.State(noon)) &&
					found(filter.Query, k.Name, k.Prefix, k.ID) {
					want = append(want, k.ID)
				}
			}
			filter.Order = o.order
			user := "anybody"
			if filter.UserID != nil {
				user = *filter.UserID
			}
			someSizes(t, fmt.Sprintf("keys of %q, %d states, access %d, project %q, with %q, by %q", user, len(filter.States),
				filter.Access, filter.ProjectID, filter.Query, filter.Order), want, o.cursor,
				func(p authz.Page) ([]authz.Key, error) { return f.Keys(t.Context(), filter, p) })
		}
	}
}

func keyFiltersToList() (all []authz.KeyFilter) {
	for _, query := range queries {
		all = append(all, authz.KeyFilter{Query: query}, authz.KeyFilter{Query: query, UserID: ptr("ada"), Access: authz.Read})
	}
	for _, access := range []authz.Access{0, authz.Read, authz.Write} {
		for _, user := range []*string{nil, ptr(""), ptr("bob"), ptr("eve")} {
			all = append(all, authz.KeyFilter{UserID: user, Access: access}, authz.KeyFilter{UserID: user, Access: access, ProjectID: "p", Query: "w"})
		}
	}
	for i := range all {
		all[i].States, all[i].Now = [][]authz.KeyState{allStates, allStates[:1], allStates[2:]}[i%3], noon
	}
	return all
}

// listProjects lists the projects by each filter and in each order, beside the same done in Go.
func listProjects(t *testing.T, f *fixture) {
	var made []authz.Project
	for i, name := range append(listedNames[:len(listedNames):len(listedNames)], "") {
		p := project(fmt.Sprint(listedID(i), "-", i), []string{"ada", "bob", "ada", ""}[i%4])
		p.Name = name
		made = append(made, p)
	}
	f.projects(t, made...)
	some := []string{"unknown", made[40].ID, made[7].ID, strings.ToUpper(made[7].ID), made[9].ID, made[0].ID, made[26].ID}
	var filters []authz.ProjectFilter
	for _, query := range queries {
		filters = append(filters, authz.ProjectFilter{Query: query}, authz.ProjectFilter{Query: query, OwnerID: ptr("ada")})
	}
	for _, owner := range []*string{nil, ptr("ada"), ptr("bob"), ptr(""), ptr("eve")} {
		filters = append(filters, authz.ProjectFilter{OwnerID: owner}, authz.ProjectFilter{OwnerID: owner, IDs: some},
			authz.ProjectFilter{OwnerID: owner, IDs: some, Query: "W"}, authz.ProjectFilter{OwnerID: owner, IDs: some[:1]})
	}
	orders := []struct {
		order   authz.Order
		cursor  func(authz.Project) authz.Cursor
		compare func(a, b authz.Project) int
	}{
		{"", projectCursor, func(a, b authz.Project) int { return cmp.Compare(a.ID, b.ID) }},
		{authz.ByName, namedProjectCursor, func(a, b authz.Project) int { return ordered(a.Name, a.ID, b.Name, b.ID) }},
	}
	for _, o := range orders {
		slices.SortFunc(made, o.compare)
		for _, filter := range filters {
			want := []string{}
			for _, p := range made {
				if (filter.OwnerID == nil || p.OwnerID == *filter.OwnerID) && (filter.IDs == nil || slices.Contains(filter.IDs, p.ID)) &&
					found(filter.Query, p.Name, p.Slug, p.ID) {
					want = append(want, p.ID)
				}
			}
			filter.Order = o.order
			owner := "anybody"
			if filter.OwnerID != nil {
				owner = *filter.OwnerID
			}
			someSizes(t, fmt.Sprintf("projects of %q, of %d, with %q, by %q", owner, len(filter.IDs), filter.Query, filter.Order), want, o.cursor,
				func(p authz.Page) ([]authz.Project, error) { return f.Projects(t.Context(), filter, p) })
		}
	}
}

// listManyByID asks for as many projects by their ids as may be.
func listManyByID(t *testing.T, f *fixture) {
	var put []authz.Project
	var asked []string
	for i := range authz.MaxKeyProjects {
		id := fmt.Sprintf("p%03d", i)
		asked = append(asked, id)
		if i%2 == 0 {
			put = append(put, project(id, "ada"))
		}
	}
	f.projects(t, append(put, project("other", "ada"))...)
	for _, order := range []authz.Order{"", authz.ByName} {
		got, err := f.Projects(t.Context(), authz.ProjectFilter{IDs: asked, Order: order}, everything)
		same(t, fmt.Sprintf("by %q", order), must(t, got, err), put)
	}
}

// listUnderChange reads lists by name while rows come, go and get other names. A row that kept its own is read once.
func listUnderChange(t *testing.T, f *fixture) {
	named := func(id, name string) authz.Project {
		return authz.Project{ID: id, Slug: "slug-" + id, Name: name, OwnerID: "ada"}
	}
	f.projects(t, named("1", "Ash"), named("2", "birch"), named("3", "Birch"), named("4", "cedar"), named("5", "Elm"))
	filter := authz.ProjectFilter{Order: authz.ByName}
	first, err := f.Projects(t.Context(), filter, authz.Page{Size: 3})
	same(t, "first", ids(must(t, first, err), func(p authz.Project) string { return p.ID }), []string{"1", "3", "2"})
	f.deleteProjects(t, "2") // to which the cursor points
	f.projects(t, named("0", "BIRCH"), named("6", "birch"), named("5", "ELM"), named("1", "Fir"))
	rest, err := f.Projects(t.Context(), filter, authz.Page{Size: 100, After: namedProjectCursor(first[2])})
	same(t, "rest", ids(must(t, rest, err), func(p authz.Project) string { return p.ID }), []string{"6", "4", "5", "1"})
}
