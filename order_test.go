// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/apikey"
)

// lists is a store that lists one key and one project more than are asked for, and notes what it is asked.
type lists struct {
	KeyStore
	CatalogStore
	keys     KeyFilter
	projects ProjectFilter
	after    Cursor
}

func (l *lists) Keys(_ context.Context, f KeyFilter, p Page) ([]Key, error) {
	l.keys, l.after = f, p.After
	return slices.Repeat([]Key{{ID: "k", Name: "Ann's \"é\"", CreatedAt: time.UnixMicro(7)}}, p.Size), nil
}

func (l *lists) Projects(_ context.Context, f ProjectFilter, p Page) ([]Project, error) {
	l.projects, l.after = f, p.After
	return slices.Repeat([]Project{{ID: "p"}}, p.Size), nil
}

func (l *lists) issuer() *Issuer {
	return &Issuer{Store: l, Now: func() time.Time { return time.Unix(1, 0) }}
}

func TestListRules(t *testing.T) {
	var ids []string
	for i := range MaxKeyProjects + 1 {
		ids = append(ids, fmt.Sprint(i))
	}
	keys := func(f KeyFilter) func(*lists) error {
		return func(l *lists) error { _, _, err := l.issuer().List(t.Context(), f, PageRequest{}); return err }
	}
	projects := func(f ProjectFilter) func(*lists) error {
		return func(l *lists) error {
			_, _, err := (&Catalog{Store: l}).Projects(t.Context(), f, PageRequest{})
			return err
		}
	}
	user := "a b"
	for _, tc := range []struct {
		name string
		list func(*lists) error
		want []string
	}{
		{"keys", keys(KeyFilter{}), nil},
		{"newest first", keys(KeyFilter{Order: NewestFirst}), nil},
		{"by name", keys(KeyFilter{Order: ByName}), nil},
		{"keys by id", keys(KeyFilter{Order: ByID}), []string{"order_by"}},
		{"by name, backwards", keys(KeyFilter{Order: "name desc"}), []string{"order_by"}},
		{"in capitals", keys(KeyFilter{Order: "NAME"}), []string{"order_by"}},
		{"128 characters", keys(KeyFilter{Query: " " + strings.Repeat("é", 128) + "\n"}), nil},
		{"129 characters", keys(KeyFilter{Query: strings.Repeat("a", 129)}), []string{"query"}},
		{"no text", keys(KeyFilter{Query: "a\xff"}), []string{"query"}},
		{"what is in no name", keys(KeyFilter{Query: "a\x00b"}), []string{"query"}},
		{"a whole key", keys(KeyFilter{Query: " " + apikey.Mint().Secret.Reveal()}), []string{"query"}},
		{"what is shown of a key", keys(KeyFilter{Query: apikey.Mint().Prefix}), nil},
		{"access", keys(KeyFilter{Access: Write}), nil},
		{"odd access", keys(KeyFilter{Access: 3}), []string{"access_level"}},
		{"much at once", keys(KeyFilter{UserID: &user, Access: 3, Query: "\x00", Order: "x"}),
			[]string{"user_id", "access_level", "query", "order_by"}},

		{"projects", projects(ProjectFilter{}), nil},
		{"projects by id", projects(ProjectFilter{Order: ByID}), nil},
		{"projects by name", projects(ProjectFilter{Order: ByName}), nil},
		{"projects, newest first", projects(ProjectFilter{Order: NewestFirst}), []string{"order_by"}},
		{"projects, 129 characters", projects(ProjectFilter{Query: strings.Repeat("a", 129)}), []string{"query"}},
		{"1000 projects", projects(ProjectFilter{IDs: ids[1:]}), nil},
		{"1001 projects", projects(ProjectFilter{IDs: ids}), []string{"ids"}},
		{"an odd project", projects(ProjectFilter{IDs: []string{"b", "a/b"}}), []string{"ids[1]"}},
		{"much of projects", projects(ProjectFilter{OwnerID: &user, IDs: []string{""}, Query: "\x00", Order: "x"}),
			[]string{"owner_id", "ids[0]", "query", "order_by"}},
	} {
		if diff := cmp.Diff(tc.want, fields(t, tc.list(&lists{}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// What does not matter to a list matters neither to its page tokens: how the usual order is said, blanks around a query, the order of ids. What
// does matter does.
func TestTokensOfLists(t *testing.T) {
	l := &lists{}
	keys := func(f KeyFilter, token string) (string, error) {
		_, next, err := l.issuer().List(t.Context(), f, PageRequest{Size: 1, Token: token})
		return next, err
	}
	for _, tc := range []struct {
		first, same KeyFilter
		other       []KeyFilter
		after       Cursor
	}{
		{KeyFilter{}, KeyFilter{Order: NewestFirst}, []KeyFilter{{Order: ByName}, {Query: "a"}, {Access: Read}}, Cursor{At: 7, ID: "k"}},
		{KeyFilter{Order: ByName, Query: "a"}, KeyFilter{Order: ByName, Query: " a\t"},
			[]KeyFilter{{Query: "a"}, {Order: ByName}, {Order: ByName, Query: "b"}}, Cursor{Name: "Ann's \"é\"", ID: "k"}},
	} {
		token, err := keys(tc.first, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys(tc.same, token); err != nil || l.after != tc.after {
			t.Errorf("%+v: the next page begins after %+v, %v", tc.same, l.after, err)
		}
		for _, f := range tc.other {
			if _, err := keys(f, token); KindOf(err) != Invalid {
				t.Errorf("%+v goes on where %+v was: %v", f, tc.first, err)
			}
		}
	}

	projects := func(f ProjectFilter, token string) (string, error) {
		_, next, err := (&Catalog{Store: l}).Projects(t.Context(), f, PageRequest{Size: 1, Token: token})
		return next, err
	}
	given := []string{"b", "a", "b"}
	token, err := projects(ProjectFilter{IDs: given, Order: ByName}, "")
	if err != nil || !slices.Equal(given, []string{"b", "a", "b"}) || !slices.Equal(l.projects.IDs, []string{"a", "b"}) {
		t.Errorf("%v became %v, %v", given, l.projects.IDs, err)
	}
	if _, err := projects(ProjectFilter{IDs: []string{"a", "b"}, Order: ByName}, token); err != nil || l.after != (Cursor{ID: "p"}) {
		t.Errorf("the next page begins after %+v, %v", l.after, err) // a project may have no name
	}
	for _, f := range []ProjectFilter{{Order: ByName}, {IDs: []string{"a"}, Order: ByName}, {IDs: given}, {IDs: given, Order: ByName, Query: "a"}} {
		if _, err := projects(f, token); KindOf(err) != Invalid {
			t.Errorf("%+v goes on: %v", f, err)
		}
	}
}
