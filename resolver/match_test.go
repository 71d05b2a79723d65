// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/resolver"
)

// Each step of specificity, and going back where the more specific place has no row for the method.
func TestMatch(t *testing.T) {
	t.Parallel()
	table := parse(t, `* /** session -
* /a/** any -
* /a/b any -
GET /a/b/c any -
GET /a/{x}/d any -
POST /a/{x}/** any -
GET /a/b/** any -
* /a/{x} any -
GET /a/{x} any -
PUT /{x}/b/c/d any -
* /a/{serviceId}/x/{projectId} any project
`)
	for _, test := range []struct {
		method resolver.Method
		path   string
		line   int
		id     string
	}{
		{resolver.GET, "/", 1, ""},
		{resolver.GET, "/b", 1, ""},
		{resolver.GET, "/a", 2, ""},
		{resolver.GET, "/a/", 2, ""}, // an empty segment is no variable's
		{resolver.GET, "/b/", 1, ""},
		{resolver.GET, "/a/b", 3, ""}, // a literal before a variable, though only the latter's row names the method
		{resolver.GET, "/a/c", 9, ""}, // a named method before *
		{resolver.PUT, "/a/c", 8, ""},
		{resolver.POST, "/a/c", 8, ""}, // the end before **
		{resolver.POST, "/a/c/", 6, ""},
		{resolver.GET, "/a/b/c", 4, ""},
		{resolver.GET, "/a/b/", 7, ""},
		{resolver.POST, "/a/b/c", 6, ""}, // back to the variable
		{resolver.PUT, "/a/b/c", 2, ""},  // back to **
		{resolver.GET, "/a/b/d", 7, ""},  // ** behind a literal before literals behind a variable
		{resolver.GET, "/a/c/d", 5, ""},
		{resolver.PUT, "/a/b/c/d", 2, ""}, // the first segment decides
		{resolver.PUT, "/c/b/c/d", 10, ""},
		{resolver.PUT, "/a/c/x/y", 11, "y"},
		{resolver.PUT, "/a/c/x/y%20z", 11, "y%20z"},
		{resolver.GET, "/A/b", 1, ""},
	} {
		got := table.Match(test.method, test.path)
		if got.Route.Line != test.line || got.ID != test.id {
			t.Errorf("Match(%d, %q): line %d, id %q; want line %d, id %q",
				test.method, test.path, got.Route.Line, got.ID, test.line, test.id)
		}
	}
}

func TestMatchRefusesOtherMethods(t *testing.T) {
	t.Parallel()
	for _, m := range []resolver.Method{0, resolver.OPTIONS, resolver.OPTIONS + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Match(%d) answered", m)
				}
			}()
			resolver.Default().Match(m, "/")
		}()
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	table := parse(t, `* /** session -
* /a/** any -
* /a/b any -
GET /a/b any -
PATCH /a/b any -
PUT /a/{x} any -
GET /a/{x} any -
GET /a/b/** any -
GET /a/{x}/** any -
`)
	for _, test := range []struct {
		method resolver.Method
		path   string
		want   []string
	}{
		{resolver.GET, "/c", []string{`1 applies: the only row that matches`}},
		{resolver.GET, "/a/b", []string{
			`4 applies: the most specific row that matches`,
			`3: line 4 names the method`,
			`8: line 4 ends with the path, this row goes on with **`,
			`7: segment 2 is the literal "b" in line 4, a variable here`,
			`9: segment 2 is the literal "b" in line 4, a variable here`,
			`2: segment 2 is the literal "b" in line 4, ** here`,
			`1: segment 1 is the literal "a" in line 4, ** here`,
			`5: is for PATCH, not GET`,
			`6: is for PUT, not GET`,
		}},
		{resolver.POST, "/a/c", []string{
			`2 applies: the most specific row that matches`,
			`1: segment 1 is the literal "a" in line 2, ** here`,
			`7: is more specific, but for GET, not POST`,
			`6: is more specific, but for PUT, not POST`,
			`9: is more specific, but for GET, not POST`,
		}},
		{resolver.GET, "/a/c/d", []string{
			`9 applies: the most specific row that matches`,
			`2: segment 2 is a variable in line 9, ** here`,
			`1: segment 1 is the literal "a" in line 9, ** here`,
		}},
	} {
		var got []string
		for _, c := range table.Explain(test.method, test.path) {
			got = append(got, candidate(c))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Explain(%d, %q) (-want +got):\n%s", test.method, test.path, diff)
		}
	}
}

func candidate(c resolver.Candidate) string {
	if c.Applies {
		return fmt.Sprintf("%d applies: %s", c.Route.Line, c.Why)
	}
	return fmt.Sprintf("%d: %s", c.Route.Line, c.Why)
}
