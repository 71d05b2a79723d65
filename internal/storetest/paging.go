// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
)

func keyCursor(k authz.Key) authz.Cursor { return authz.Cursor{At: k.CreatedAt.UnixMicro(), ID: k.ID} }

func eventCursor(e authz.Event) authz.Cursor { return authz.Cursor{At: e.ID} }

func projectCursor(p authz.Project) authz.Cursor { return authz.Cursor{ID: p.ID} }

// pages reads a list page by page and returns the ids of its rows. Every page but the last must be full.
func pages[T any](t testing.TB, size int, cursor func(T) authz.Cursor, fetch func(authz.Page) ([]T, error)) []string {
	t.Helper()
	var all []string
	p, ended := authz.Page{Size: size}, map[authz.Cursor]bool{}
	for {
		rows, err := fetch(p)
		must(t, rows, err)
		if len(rows) > size {
			t.Fatalf("a page of %d holds %d rows", size, len(rows))
		}
		for _, row := range rows {
			if c := cursor(row); c.ID != "" {
				all = append(all, c.ID)
			} else {
				all = append(all, fmt.Sprint(c.At))
			}
		}
		if len(rows) < size {
			return all
		}
		next := cursor(rows[size-1])
		if ended[next] {
			t.Fatalf("another page ends with the row %+v again", next)
		}
		p.After, ended[next] = next, true
	}
}

// everySize compares a list read by pages of each size that has a border somewhere else.
func everySize[T any](t testing.TB, what string, want []string, cursor func(T) authz.Cursor,
	fetch func(authz.Page) ([]T, error)) {
	t.Helper()
	for size := 1; size <= len(want)+1; size++ {
		same(t, fmt.Sprintf("%s by %d", what, size), pages(t, size, cursor, fetch), want)
	}
}

func pagingCatalog(t *testing.T, f *fixture) {
	all := map[string][]string{}
	for i := range 12 {
		id := string(rune('a' + i))
		parent := []string{"P", "p", ""}[i%3]
		all["any"] = append(all["any"], id)
		all[parent] = append(all[parent], id)
		f.projects(t, project(id, parent))
		f.services(t, authz.Service{ID: id, ProjectID: parent + "-"})
		f.deployments(t, authz.Deployment{ID: id, ServiceID: parent + "-"})
	}
	for parent, want := range all {
		filter, under := authz.ProjectFilter{OwnerID: &parent}, parent+"-"
		if parent == "any" {
			filter, under = authz.ProjectFilter{}, ""
		}
		everySize(t, "projects of "+parent, want, projectCursor, func(p authz.Page) ([]authz.Project, error) {
			return f.Projects(t.Context(), filter, p)
		})
		everySize(t, "services of "+parent, want, func(s authz.Service) authz.Cursor { return authz.Cursor{ID: s.ID} },
			func(p authz.Page) ([]authz.Service, error) { return f.Services(t.Context(), under, p) })
		everySize(t, "deployments of "+parent, want, func(d authz.Deployment) authz.Cursor { return authz.Cursor{ID: d.ID} },
			func(p authz.Page) ([]authz.Deployment, error) { return f.Deployments(t.Context(), under, p) })
	}
}

func pagingKeys(t *testing.T, f *fixture) {
	f.projects(t, project("p", "ada"))
	var made []authz.Key
	for i, id := range []string{"a", "B", "b", "_", "a-b", "ab", "Z", "z", "0", "00", "A", "k"} {
		k := newKey(id, []string{"", "ada", "bob"}[i%3])
		k.CreatedAt = noon.Add(time.Duration(i/4) * time.Microsecond) // four at each instant
		switch i % 4 {
		case 1:
			k.ExpiresAt = noon
		case 2:
			k.Projects = authz.ProjectScope{IDs: []string{"p"}}
			k.UserID = []string{"", "ada"}[i%2]
		}
		f.create(t, k)
		if i%4 == 3 {
			_, err := f.RevokeKey(t.Context(), at(0), id)
			must(t, id, err)
		}
		made = append(made, f.key(t, id))
	}
	slices.SortFunc(made, func(a, b authz.Key) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	states := [][]authz.KeyState{nil, allStates, allStates[:1], allStates[1:2], allStates[2:], allStates[1:]}
	for _, user := range []*string{nil, ptr(""), ptr("ada"), ptr("bob"), ptr("eve")} {
		for _, projectID := range []string{"", "p"} {
			for _, state := range states {
				var want []string
				for _, k := range made {
					if (user == nil || k.UserID == *user) && slices.Contains(state, k.State(noon)) &&
						(projectID == "" || k.UserID == "" || k.UserID == "ada") {
						want = append(want, k.ID)
					}
				}
				filter := authz.KeyFilter{UserID: user, ProjectID: projectID, States: state, Now: noon}
				everySize(t, fmt.Sprintf("keys of %v for %q in %v", user, projectID, state), want, keyCursor,
					func(p authz.Page) ([]authz.Key, error) { return f.Keys(t.Context(), filter, p) })
			}
		}
	}
}

func pagingEvents(t *testing.T, f *fixture) {
	for i := range 6 { // each at the same time as another
		c := at(time.Duration(i/2) * time.Second)
		c.Actor.UserID = []string{"ada", "bob"}[i%2]
		_, err := f.PutProjects(t.Context(), c, []authz.Project{project(fmt.Sprint("p", i), "ada")})
		must(t, i, err)
	}
	for name, filter := range map[string]authz.EventFilter{"all": {}, "ada's": {UserID: "ada"},
		"of the first second": {Until: noon.Add(time.Second)}, "later": {Since: noon.Add(time.Second)}} {
		whole, err := f.Events(t.Context(), filter, everything)
		want := ids(must(t, whole, err), func(e authz.Event) string { return fmt.Sprint(e.ID) })
		everySize(t, "events, "+name, want, eventCursor, func(p authz.Page) ([]authz.Event, error) {
			return f.Events(t.Context(), filter, p)
		})
	}
}

// pagingUnderChange reads lists while rows come and go. A row that was there all the time is read once.
func pagingUnderChange(t *testing.T, f *fixture) {
	for i := range 10 {
		id := fmt.Sprintf("m%d", i)
		f.projects(t, project(id, "ada"))
		k := newKey(id, "")
		k.CreatedAt = noon.Add(time.Duration(i) * time.Second)
		f.create(t, k)
	}
	page := authz.Page{Size: 5}
	projects, err := f.Projects(t.Context(), authz.ProjectFilter{}, page)
	must(t, projects, err)
	filter := authz.KeyFilter{States: allStates[:1], Now: noon}
	keys, err := f.Keys(t.Context(), filter, page)
	must(t, keys, err)
	events, err := f.Events(t.Context(), authz.EventFilter{}, page)
	must(t, events, err)

	f.projects(t, project("a", "ada"), project("m41", "ada"), project("z", "ada"))
	f.deleteProjects(t, "m0", "m4", "m7") // the one that the cursor points at among them
	newest, oldest := newKey("newest", ""), newKey("oldest", "")
	newest.CreatedAt, oldest.CreatedAt = noon.Add(time.Hour), noon.Add(-time.Hour)
	f.create(t, newest, oldest)
	for _, id := range []string{"m9", "m5", "m2"} {
		_, err := f.RevokeKey(t.Context(), at(0), id)
		must(t, id, err)
	}

	projects, err = f.Projects(t.Context(), authz.ProjectFilter{}, authz.Page{Size: 100, After: projectCursor(projects[4])})
	same(t, "projects", ids(must(t, projects, err), func(p authz.Project) string { return p.ID }),
		[]string{"m41", "m5", "m6", "m8", "m9", "z"})
	keys, err = f.Keys(t.Context(), filter, authz.Page{Size: 100, After: keyCursor(keys[4])})
	same(t, "keys", ids(must(t, keys, err), func(k authz.Key) string { return k.ID }),
		[]string{"m4", "m3", "m1", "m0", "oldest"})
	rest, err := f.Events(t.Context(), authz.EventFilter{}, authz.Page{Size: 100, After: eventCursor(events[4])})
	same(t, "events", len(must(t, rest, err)), 15)
}

func pagingForeign(t *testing.T, f *fixture) {
	d := new(authz.Delta)
	var keys, digests []string
	for i := range 12 {
		id := fmt.Sprintf("k%02d", i)
		d.Keys = append(d.Keys, foreignKey(id, "ada"))
		d.Sessions = append(d.Sessions, session(id, "ada", authz.UserRoleUser))
		keys, digests = append(keys, id), append(digests, string(d.Sessions[i].Digest[:]))
	}
	f.synced(t, 0, d)
	f.create(t, newKey("a-own", ""), newKey("z-own", ""))
	f.session(t, session("own", "", authz.UserRoleUser))
	everySize(t, "keys", keys, func(k authz.ForeignKey) authz.Cursor { return authz.Cursor{ID: k.ID} },
		func(p authz.Page) ([]authz.ForeignKey, error) { return f.ForeignKeys(t.Context(), p) })
	everySize(t, "sessions", digests, func(s authz.Session) authz.Cursor { return authz.Cursor{ID: string(s.Digest[:])} },
		func(p authz.Page) ([]authz.Session, error) { return f.ForeignSessions(t.Context(), p) })
}
