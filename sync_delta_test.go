// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestOnlyTakeOver(t *testing.T) {
	kept := keys(foreign("a"), foreign("b"), foreign("c"), foreign("d"), foreign("e"))
	to := keys(foreign("a", renamedKey), foreign("b", revokedKey), foreign("c", rotatedKey), foreign("f"))
	to.DoubtfulKeys = []string{"e"}
	d := Difference(kept, to)
	d.onlyTakeOver(kept, to)
	want := &Delta{Keys: []ForeignKey{foreign("f")}, GoneKeys: []string{"b"}}
	if diff := cmp.Diff(want, d, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForgetEnded(t *testing.T) {
	ended := func(ago time.Duration) func(*ForeignKey) {
		return func(k *ForeignKey) { k.ExpiresAt = noon.Add(-ago) }
	}
	revoked := func(ago time.Duration) func(*ForeignKey) {
		return func(k *ForeignKey) { k.RevokedAt = noon.Add(-ago) }
	}
	put := []ForeignKey{foreign("a"), foreign("b", ended(2*time.Hour)), foreign("c", ended(time.Hour)), foreign("d", revoked(2*time.Hour)),
		foreign("e", ended(2*time.Hour), revoked(time.Minute)), foreign("f", ended(time.Minute), revoked(2*time.Hour)), foreign("g", ended(-time.Hour)),
		foreign("k", ended(2*time.Hour))}
	for keep, want := range map[time.Duration][]string{0: {"a", "b", "c", "d", "e", "f", "g", "k"}, time.Hour: {"a", "c", "e", "g", "k"}} {
		d := &Delta{Keys: slices.Clone(put)}
		d.forgetEnded(keys(foreign("k")), noon, keep)
		var left []string
		for _, k := range d.Keys {
			left = append(left, k.ID)
		}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("kept for %v (-want +got):\n%s", keep, diff)
		}
	}
}

// A key that Aeroplane has revoked is revoked whatever file says so. One that is missing may be in another.
func TestSuspendMissing(t *testing.T) {
	d := &Delta{GoneKeys: []string{"gone", "revoked"}, DoubtfulKeys: []string{"odd"}}
	d.suspendMissing(keys(foreign("revoked", revokedKey)))
	if diff := cmp.Diff(&Delta{GoneKeys: []string{"revoked"}, DoubtfulKeys: []string{"gone", "odd"}}, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForgetSuspended(t *testing.T) {
	d := &Delta{DoubtfulKeys: []string{"a", "b", "c"}}
	d.forgetSuspended(keys(foreign("a"), foreign("b", expiredKey)), noon)
	if diff := cmp.Diff([]string{"a", "c"}, d.DoubtfulKeys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCautious(t *testing.T) {
	for _, c := range []struct {
		count SyncCount
		held  bool
	}{
		{SyncCount{Kind: "projects"}, false},
		{SyncCount{Kind: "projects", Had: 4, Gone: 2, Changed: 2, New: 9}, false},
		{SyncCount{Kind: "projects", Had: 4, Gone: 3}, false}, // a few
		{SyncCount{Kind: "projects", Had: 22, Gone: 11}, false},
		{SyncCount{Kind: "projects", Had: 21, Gone: 11}, true},
		{SyncCount{Kind: "services", Had: 100, Gone: 51}, true},
		{SyncCount{Kind: "deployments", Had: 10, Gone: 10}, false},
		{SyncCount{Kind: "deployments", Had: 11, Gone: 11}, true},
		{SyncCount{Kind: "keys", Had: 11, Gone: 11}, true},
		{SyncCount{Kind: "keys", Had: 2, Gone: 2}, false},
		{SyncCount{Kind: "sessions", Had: 20, Gone: 20}, false},
	} {
		err := cautious([]SyncCount{{Kind: "projects", Had: 1}, c.count})
		if e, ok := err.(*Error); (err != nil) != c.held || c.held && (!ok || e.Code != CodeSyncHeld || e.Kind != FailedPrecondition) {
			t.Errorf("%+v: %v", c.count, err)
		}
	}
}

// All that is in the catalog, however little it is, may be the loss of another file.
func TestCautiousOfAll(t *testing.T) {
	few := []SyncCount{{Kind: "projects", Had: 2, Gone: 2}, {Kind: "services", Had: 1, Gone: 1, New: 5}, {Kind: "keys", Had: 3}}
	if err := cautious(few); KindOf(err) != FailedPrecondition {
		t.Errorf("%+v: %v", few, err)
	}
	few[0].Gone = 1
	if err := cautious(few); err != nil {
		t.Errorf("%+v: %v", few, err)
	}
	if err := cautious([]SyncCount{{Kind: "projects", New: 7}, {Kind: "keys", Had: 1, Gone: 1}}); err != nil {
		t.Error(err)
	}
}

func TestCountsOf(t *testing.T) {
	kept := &Inventory{Projects: []Project{{ID: "p"}, {ID: "q"}}, Keys: []ForeignKey{foreign("k"), foreign("l", revokedKey), foreign("m", expiredKey)}}
	got := countsOf(kept, &Delta{Projects: []Project{{ID: "o"}, {ID: "p"}}, GoneProjects: []string{"q"},
		Keys: []ForeignKey{foreign("n")}, GoneKeys: []string{"k"}, DoubtfulKeys: []string{"m"}})
	want := []SyncCount{{"projects", 2, 1, 1, 1}, {Kind: "services"}, {Kind: "deployments"}, {Kind: "sessions"}, {"keys", 2, 1, 0, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeepEmptied(t *testing.T) {
	full := &Inventory{Projects: make([]Project, 11), Services: make([]Service, 11), Deployments: make([]Deployment, 11), Sessions: make([]Session, 11),
		Keys: make([]ForeignKey, 11)}
	few := &Inventory{Projects: make([]Project, 10), Services: make([]Service, 10), Deployments: make([]Deployment, 10), Keys: make([]ForeignKey, 10)}
	but := func(change func(*Inventory)) *Inventory {
		in := *full
		change(&in)
		return &in
	}
	for _, c := range []struct {
		from, to *Inventory
		want     string
	}{
		{full, full, ""}, {few, &Inventory{}, ""}, {&Inventory{}, full, ""}, {full, &Inventory{}, "projects and services and deployments and keys"},
		{full, but(func(in *Inventory) { in.Projects = nil }), "projects"},
		{full, but(func(in *Inventory) { in.Services = nil }), "services"},
		{full, but(func(in *Inventory) { in.Deployments = nil }), "deployments"},
		{full, but(func(in *Inventory) { in.Keys = nil }), "keys"},
		{full, but(func(in *Inventory) { in.Sessions = nil }), ""},
		{full, but(func(in *Inventory) { in.Projects = in.Projects[:1] }), ""},
	} {
		to := *c.to
		if got := KeepEmptied(c.from, &to); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if c.want == "services" && (len(to.Services) != 11 || len(to.Projects) != 11) {
			t.Errorf("%d services were put back, and there are %d projects", len(to.Services), len(to.Projects))
		}
	}
}

// numbered returns projects of one owner whose ids begin with a letter, with slugs of another number than their own.
func numbered(letter string, n, shift int) (all []Project) {
	for i := range n {
		all = append(all, Project{ID: fmt.Sprintf("%s%04d", letter, i), Slug: fmt.Sprintf("%s%04d", letter, (i+shift)%n)})
	}
	return all
}

func TestExchanges(t *testing.T) {
	swapped := []Project{{ID: "a", Slug: "y"}, {ID: "b", Slug: "x"}}
	before := []Project{{ID: "a", Slug: "x"}, {ID: "b", Slug: "y"}}
	for _, c := range []struct {
		name      string
		put, kept []Project
		sizes     []int
	}{
		{"nothing", nil, before, nil},
		{"an exchange", swapped, before, []int{2}},
		{"many that do not meet", numbered("p", 1001, 0), nil, []int{500, 500, 1}},
		{"one that goes round", numbered("p", 600, 1), numbered("p", 600, 0), []int{600}},
		{"an exchange of which the first half fits", slices.Concat(numbered("A", 499, 0), swapped), before, []int{499, 2}},
		{"a slug that another owner's has", []Project{{ID: "c", Slug: "x", OwnerID: "u"}}, before, []int{1}},
	} {
		var sizes []int
		var all []Project
		for _, some := range exchanges(c.put, c.kept) {
			sizes, all = append(sizes, len(some)), append(all, some...)
		}
		slices.SortFunc(all, func(a, b Project) int { return strings.Compare(a.ID, b.ID) })
		sorted := slices.SortedFunc(slices.Values(c.put), func(a, b Project) int { return strings.Compare(a.ID, b.ID) })
		if !slices.Equal(sizes, c.sizes) || !slices.Equal(all, sorted) {
			t.Errorf("%s: sizes are %v, want %v; all are there: %t", c.name, sizes, c.sizes, slices.Equal(all, sorted))
		}
	}
	// Wherever the bound falls, no slug is taken before it is given up.
	for shift := range 40 {
		kept, put := numbered("p", 1200, 0), numbered("p", 1200, 0)
		for i := shift; i+3 <= len(put); i += 3 { // in threes
			put[i].Slug, put[i+1].Slug, put[i+2].Slug = put[i+1].Slug, put[i+2].Slug, put[i].Slug
		}
		put = slices.DeleteFunc(put, func(p Project) bool { return slices.Contains(kept, p) })
		bearers := map[string]string{}
		for _, p := range kept {
			bearers[p.Slug] = p.ID
		}
		for _, some := range exchanges(put, kept) {
			for _, p := range some {
				if other := bearers[p.Slug]; !slices.ContainsFunc(some, func(p Project) bool { return p.ID == other }) {
					t.Fatalf("shift %d: %s takes the slug of %s, which keeps it meanwhile", shift, p.ID, other)
				}
			}
		}
	}
}
