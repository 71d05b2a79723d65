// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// selects reports what a key's look-up says of a project: whether it is known, and whether the key selected it.
func (f *fixture) selects(t testing.TB, key, project string) (known, selected bool) {
	t.Helper()
	facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest(key), Scope: resolver.Project, ID: project})
	if len(facts.Projects) != 1 {
		return false, false
	}
	return true, selects(facts)
}

// selects reports whether the key has selected the project that is reached.
func selects(f authz.Facts) bool {
	return f.Key != nil && len(f.Projects) == 1 && slices.Contains(f.Key.Projects.IDs, f.Projects[0].ID)
}

func selectionIsChecked(t *testing.T, f *fixture) {
	f.projects(t, project("adas", "ada"), project("bobs", "bob"), project("nobodys", ""))
	for _, test := range []struct {
		name, user string
		projects   []string
		bad        []string
	}{
		{"one unknown", "ada", []string{"adas", "unknown"}, []string{"unknown"}},
		{"somebody else's and nobody's", "ada", []string{"adas", "bobs", "nobodys"}, []string{"bobs", "nobodys"}},
		{"unknown without a user", "", []string{"Adas", "bobs"}, []string{"Adas"}},
	} {
		events := f.recorded(t, func() {
			_, err := f.CreateKey(t.Context(), at(0), newKey("k", test.user, test.projects...))
			e := refused(t, test.name, err, authz.Invalid)
			same(t, test.name, len(e.Violations), len(test.bad))
			for i, v := range e.Violations {
				if v.Field != "projects.project_ids" || !strings.Contains(v.Description, strconv.Quote(test.bad[i])) {
					t.Errorf("%s: violation %v does not name %s", test.name, v, test.bad[i])
				}
			}
		})
		same(t, test.name+": events", events, []authz.Event{})
		_, err := f.Key(t.Context(), "k")
		refused(t, test.name+": key", err, authz.NotFound)
	}
	f.create(t, newKey("k", "ada", "adas"), newKey("any", "", "adas", "bobs", "nobodys"))
}

func selectionForgets(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"), project("q", "ada"))
	f.create(t, newKey("one", "ada", "p"), newKey("two", "ada", "p", "q"))
	same(t, "deleted", f.deleteProjects(t, "p"), 1)
	check := func(when string) {
		t.Helper()
		same(t, when+": one", f.key(t, "one").Projects, authz.ProjectScope{})
		same(t, when+": two", f.key(t, "two").Projects, authz.ProjectScope{IDs: []string{"q"}})
		if _, selected := f.selects(t, "two", "q"); !selected {
			t.Errorf("%s: q was lost", when)
		}
		for _, key := range []string{"one", "two"} {
			if _, selected := f.selects(t, key, "p"); selected {
				t.Errorf("%s: %s has selected p", when, key)
			}
		}
		same(t, when+": keys of p", f.keyIDs(t, authz.KeyFilter{ProjectID: "p", States: allStates, Now: noon}), []string{})
	}
	check("deleted")
	f.projects(t, project("p", "ada"))
	check("put again")
	if known, _ := f.selects(t, "one", "p"); !known {
		t.Error("the project that was put again is unknown")
	}
	if facts := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest("one")}); facts.Key == nil {
		t.Error("a key without projects is unknown")
	}
}

func selectionAndOwner(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"))
	f.create(t, newKey("k", "ada", "p"))
	reaching := authz.KeyFilter{ProjectID: "p", States: allStates, Now: noon}
	for _, step := range []struct {
		owner string
		keys  []string
	}{{"bob", nil}, {"", nil}, {"ada", []string{"k"}}} {
		f.projects(t, project("p", step.owner))
		if known, selected := f.selects(t, "k", "p"); !known || !selected {
			t.Errorf("owner %q: known %v, selected %v: a change of owner took the project out", step.owner, known, selected)
		}
		same(t, fmt.Sprintf("owner %q: keys", step.owner), f.keyIDs(t, reaching), step.keys)
	}
}

func selectionOfAThousand(t *testing.T, f *fixture) {
	const n = 1_000
	var all []string
	var projects []authz.Project
	for i := range n {
		all = append(all, fmt.Sprintf("p%04d", i))
		projects = append(projects, project(all[i], "ada"))
	}
	for batch := range slices.Chunk(projects, authz.MaxBatch) {
		f.projects(t, batch...)
	}
	f.projects(t, project("other", "ada"))
	f.create(t, newKey("k", "ada", all...))
	same(t, "key", f.key(t, "k").Projects, authz.ProjectScope{IDs: all})
	if _, selected := f.selects(t, "k", all[n-1]); !selected {
		t.Error("the last one is not selected")
	}
	if _, selected := f.selects(t, "k", "other"); selected {
		t.Error("another one is selected")
	}
	list := f.lookup(t, authz.Query{Kind: authz.KeyCredential, Digest: digest("k"), Scope: resolver.ProjectList})
	same(t, "listed", len(list.Projects), n+1)
	same(t, "selected", list.Key.Projects.IDs, all)
	same(t, "deleted", f.deleteProjects(t, all[:500]...), 500)
	same(t, "key", f.key(t, "k").Projects, authz.ProjectScope{IDs: all[500:]})
}

// selectionRace creates a key for a project while that is deleted. Whichever comes first, the key must not have it.
func selectionRace(t *testing.T, f *fixture) {
	for i := range 20 {
		id := fmt.Sprint("k", i)
		f.projects(t, project("p", "ada"))
		var created error
		together(2, func(caller int) {
			if caller == 0 {
				_, created = f.CreateKey(t.Context(), at(0), newKey(id, "ada", "p"))
			} else if _, err := f.DeleteProjects(t.Context(), at(0), []string{"p"}); err != nil {
				t.Errorf("DeleteProjects: %v", err)
			}
		})
		if created != nil {
			refused(t, "CreateKey", created, authz.Invalid)
			continue
		}
		same(t, "selection", f.key(t, id).Projects, authz.ProjectScope{})
		f.projects(t, project("p", "ada"))
		if _, selected := f.selects(t, id, "p"); selected {
			t.Error("a project that was deleted came back to the selection")
		}
	}
}
