// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A keeper is a store that shows its history. One behind a fence keeps it to itself.
type keeper interface{ History() fence.Log }

// log returns the history, or skips the part.
func (f *fixture) log(t testing.TB) fence.Log {
	t.Helper()
	k, ok := f.Store.(*closeOnce).Store.(keeper)
	if !ok {
		t.Skip("the history is behind a fence")
	}
	return k.History()
}

// since returns the rows after a revision. The revision must be there still.
func since(t testing.TB, log fence.Log, r authz.Revision) []fence.Row {
	t.Helper()
	rows, err := log.Since(t.Context(), r.Seq, math.MaxInt32)
	must(t, rows, err)
	if len(rows) == 0 || rows[0].Revision != r {
		t.Fatalf("revision %v is not in the history any more", r)
	}
	for i, row := range rows {
		if row.Seq != r.Seq+int64(i) {
			t.Fatalf("row %d comes after row %d", row.Seq, rows[i-1].Seq)
		}
	}
	return rows[1:]
}

// historyOfChanges: every change that is answered has a place of its own in the history, its last row, also where it found
// nothing to change; what is refused has none. What narrows is told. Nobody waits here for what only adds.
func historyOfChanges(t *testing.T, f *fixture) {
	log := f.log(t)
	unwaited := authz.Change{Actor: operator, At: noon}
	k, s := newKey("k", "ada", "p"), session("s", "ada", authz.UserRoleOwner)
	putProjects := func(p ...authz.Project) func() (authz.Receipt, error) {
		return func() (authz.Receipt, error) {
			r, err := f.PutProjects(t.Context(), unwaited, p)
			return r.Receipt, err
		}
	}
	putService := func(project string) func() (authz.Receipt, error) {
		return func() (authz.Receipt, error) {
			r, err := f.PutServices(t.Context(), unwaited, []authz.Service{{ID: "s", ProjectID: project}})
			return r.Receipt, err
		}
	}
	createKey := func(k authz.NewKey) func() (authz.Receipt, error) {
		return func() (authz.Receipt, error) {
			made, err := f.CreateKey(t.Context(), unwaited, k)
			return made.Receipt, err
		}
	}
	revokeKey := func(id string) func() (authz.Receipt, error) {
		return func() (authz.Receipt, error) {
			revoked, err := f.RevokeKey(t.Context(), at(0), id)
			return revoked.Receipt, err
		}
	}
	moved := project("p", "bob")
	for _, c := range []struct {
		name   string
		change func() (authz.Receipt, error)
		narrow bool
		rows   int // 0: refused
	}{
		{"a new project", putProjects(project("p", "ada")), false, 4},
		{"the same again", putProjects(project("p", "ada")), true, 1},
		{"another name", putProjects(authz.Project{ID: "p", Slug: "slug-p", Name: "new", OwnerID: "ada"}), true, 1},
		{"a slug that somebody else bears", putProjects(authz.Project{ID: "q", Slug: "slug-p", OwnerID: "bob"}), true, 4},
		{"a slug that is taken", putProjects(authz.Project{ID: "r", Slug: "slug-p", OwnerID: "ada"}), false, 0},
		{"a new service", putService("p"), false, 1},
		{"a service that moves", putService("q"), true, 1},
		{"a key with a selection", createKey(k), false, 0 + 1},
		{"a key of an unknown project", createKey(newKey("bad", "ada", "unknown")), false, 0},
		{"another owner", func() (authz.Receipt, error) {
			moved.Slug = "moved"
			return putProjects(moved)()
		}, true, 8 - 1}, // the project itself is before as after
		{"a project that goes, and leaves a selection", func() (authz.Receipt, error) {
			r, err := f.DeleteProjects(t.Context(), at(0), []string{"p"})
			return r.Receipt, err
		}, true, 4 + 1},
		{"a revoked key", revokeKey("k"), true, 1},
		{"a key revoked again", revokeKey("k"), true, 1},
		{"an unknown key", revokeKey("unknown"), false, 0},
		{"a new session", func() (authz.Receipt, error) { return f.PutSession(t.Context(), unwaited, s) }, false, 1},
		{"the same session", func() (authz.Receipt, error) { return f.PutSession(t.Context(), unwaited, s) }, true, 1},
		{"a session with less", func() (authz.Receipt, error) {
			return f.PutSession(t.Context(), at(0), session("s", "ada", authz.UserRoleUser))
		}, true, 1},
		{"sessions of a user", func() (authz.Receipt, error) {
			r, err := f.RevokeSessionsOfUser(t.Context(), at(0), "ada")
			return r.Receipt, err
		}, true, 1},
		{"keys of a user who has none left", func() (authz.Receipt, error) {
			r, err := f.RevokeKeysOfUser(t.Context(), at(0), "ada")
			return r.Receipt, err
		}, true, 1},
	} {
		head, err := log.Head(t.Context())
		must(t, head, err)
		r, err := c.change()
		rows := since(t, log, head)
		if want := c.rows; c.name == "a key with a selection" && len(rows) == 2 {
			c.rows = want + 1 // a database may say of key and selection that they are one
		}
		switch {
		case c.rows == 0 && (err == nil || len(rows) != 0):
			t.Errorf("%s: %v, %d rows", c.name, err, len(rows))
		case c.rows == 0:
		case err != nil || len(rows) != c.rows || r.Revision != rows[len(rows)-1].Revision || r.Narrowing != c.narrow:
			t.Errorf("%s: %v, narrowing %v, %d rows, want %v and %d: %v", c.name, err, r.Narrowing, len(rows), c.narrow, c.rows, rows)
		case anyNarrowing(rows) != c.narrow:
			t.Errorf("%s: the rows say otherwise: %v", c.name, rows)
		}
	}
}

func anyNarrowing(rows []fence.Row) bool {
	for _, r := range rows {
		if r.Narrowing {
			return true
		}
	}
	return false
}

// historyConcurrent: whoever follows the history while changes are made at the same time misses none.
func historyConcurrent(t *testing.T, f *fixture) {
	log := f.log(t)
	start, err := log.Head(t.Context())
	must(t, start, err)
	const writers, each = 8, 12
	made := make([]map[authz.Revision]bool, writers)
	written, done := make(chan struct{}), make(chan struct{})
	var followed []fence.Row
	go func() {
		defer close(done)
		at := start
		for over := false; ; {
			rows, err := log.Since(t.Context(), at.Seq, 7)
			if err != nil || len(rows) == 0 || rows[0].Revision != at {
				t.Errorf("at %v: %v, %v", at, rows, err)
				return
			}
			followed = append(followed, rows[1:]...)
			at = rows[len(rows)-1].Revision
			if over && len(rows) == 1 {
				return
			}
			over = closed(written)
		}
	}()
	together(writers, func(i int) {
		made[i] = map[authz.Revision]bool{}
		for n := range each {
			service := []authz.Service{{ID: string(rune('a' + i)), ProjectID: string(rune('a' + n))}}
			put, err := f.PutServices(t.Context(), authz.Change{Actor: operator, At: noon}, service)
			if err != nil {
				t.Error(err)
				return
			}
			made[i][put.Revision] = true
		}
	})
	close(written)
	<-done
	rows := since(t, log, start)
	if len(rows) != writers*each || !slices.Equal(followed, rows) {
		t.Errorf("%d changes have %d rows, and who followed them saw %d:\n%v\n%v", writers*each, len(rows), len(followed), rows, followed)
	}
	for _, row := range rows {
		writer := int(row.Subject.ID[0] - 'a')
		if !made[writer][row.Revision] {
			t.Errorf("row %v is nobody's", row)
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// historyOfRecords: a record says what was true at the revision that it comes with, also while its subject changes.
func historyOfRecords(t *testing.T, f *fixture) {
	start, err := f.log(t).Head(t.Context())
	must(t, start, err)
	type parentAt struct {
		parent string
		at     authz.Revision
	}
	made, read := map[parentAt]bool{{"", start}: true}, map[parentAt]bool{}
	written := make(chan struct{})
	write := func() {
		defer close(written)
		for n := range 100 {
			s := authz.Service{ID: "s", ProjectID: fmt.Sprint("p", n)}
			put, err := f.PutServices(t.Context(), authz.Change{Actor: operator, At: noon}, []authz.Service{s})
			if err != nil {
				t.Error(err)
				return
			}
			made[parentAt{s.ProjectID, put.Revision}] = true
		}
	}
	follow := func() {
		for over := false; !over; {
			over = closed(written)
			r, at, err := f.Record(t.Context(), authz.Subject{Kind: authz.OfService, ID: "s"}, false)
			if err != nil {
				t.Error(err)
				return
			}
			read[parentAt{r.Parent, at}] = true
		}
	}
	together(2, func(i int) { [...]func(){write, follow}[i]() })
	for r := range read {
		if !made[r] {
			t.Errorf("%q was read as of %v, and was not so then", r.parent, r.at)
		}
	}
}
