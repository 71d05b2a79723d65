// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestInventoryRules(t *testing.T) {
	long := strings.Repeat("a", 129)
	faulty := func(change func(*ForeignKey)) Inventory { return Inventory{Keys: []ForeignKey{foreign("k", change)}} }
	sessionWith := func(change func(*Session)) Inventory {
		s := foreignSession(1, "u")
		change(&s)
		return Inventory{Sessions: []Session{s}}
	}
	farOff := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	var many []string
	for i := range MaxKeyProjects + 1 {
		many = append(many, fmt.Sprint("p", i))
	}
	for _, c := range []struct {
		name string
		in   Inventory
		want []string
	}{
		{"nothing", Inventory{}, nil},
		{"all is well", Inventory{Projects: []Project{{ID: "p", Slug: "x"}, {ID: "q", Slug: "x", OwnerID: "u"}}, Services: []Service{{"s", "unknown"}},
			Deployments: []Deployment{{"d", "unknown"}}, Sessions: []Session{foreignSession(1, "u"), foreignSession(2, "u")},
			Keys: []ForeignKey{foreign("k"), foreign("l", selectedKey, revokedKey, expiredKey, usedKey)}}, nil},
		{"ids", Inventory{Projects: []Project{{ID: "", Slug: "x"}, {ID: "a b", Slug: "y"}}, Services: []Service{{long, "p"}}},
			[]string{`projects[""].id`, `projects["a b"].id`, `services["` + long[:128] + `"].id`}},
		{"twice", Inventory{Projects: []Project{{ID: "p", Slug: "x"}, {ID: "p", Slug: "y"}}, Services: []Service{{"s", "p"}, {"s", "p"}},
			Deployments: []Deployment{{"d", "s"}, {"d", "s"}}, Sessions: []Session{foreignSession(1, "u"), foreignSession(1, "u")}},
			[]string{`projects["p"]`, `services["s"]`, `deployments["d"]`, `sessions[of user "u"]`}},
		{"one slug twice for one owner", Inventory{Projects: []Project{{ID: "p", Slug: "x"}, {ID: "q", Slug: "x"}}}, []string{"projects"}},
		{"one secret twice", Inventory{Keys: []ForeignKey{foreign("k"), foreign("kk")}}, []string{"keys"}},
		{"a slug", Inventory{Projects: []Project{{ID: "p", Slug: "a/b", Name: "\x00", OwnerID: "a b"}}},
			[]string{`projects["p"].slug`, `projects["p"].name`, `projects["p"].owner_id`}},
		{"parents", Inventory{Services: []Service{{"s", ""}}, Deployments: []Deployment{{"d", ".."}}},
			[]string{`services["s"].project_id`, `deployments["d"].service_id`}},
		{"a session", Inventory{Sessions: []Session{{UserID: "a,b"}}},
			[]string{`sessions[of user "a,b"].user_id`, `sessions[of user "a,b"].role`, `sessions[of user "a,b"].expire_time`}},
		{"a session for ever", sessionWith(func(s *Session) { s.ExpiresAt = farOff }), []string{`sessions[of user "u"].expire_time`}},
		{"a key", Inventory{Keys: []ForeignKey{{Key: Key{ID: "k", UserID: "a b"}}}}, []string{`keys["k"].name`, `keys["k"].prefix`, `keys["k"].user_id`,
			`keys["k"].access_level`, `keys["k"].create_time`}},
		{"a name that is too long", faulty(func(k *ForeignKey) { k.Name = strings.Repeat("ä", maxKeyName+1) }), []string{`keys["k"].name`}},
		{"all projects, and some", faulty(func(k *ForeignKey) { k.Projects.IDs = []string{"p"} }), []string{`keys["k"].projects`}},
		{"no project", faulty(func(k *ForeignKey) { k.Projects = ProjectScope{} }), nil},
		{"a project that cannot be", faulty(func(k *ForeignKey) { k.Projects = ProjectScope{IDs: []string{"a,b"}} }), []string{`keys["k"].projects.project_ids`}},
		{"too many projects", faulty(func(k *ForeignKey) { k.Projects = ProjectScope{IDs: many} }), []string{`keys["k"].projects.project_ids`}},
		{"no project too many", faulty(func(k *ForeignKey) { k.Projects = ProjectScope{IDs: many[1:]} }), nil},
		{"times", faulty(func(k *ForeignKey) {
			k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.LastUsedAt = farOff, farOff, farOff, farOff
		}),
			[]string{`keys["k"].create_time`, `keys["k"].expire_time`, `keys["k"].revoke_time`, `keys["k"].last_use_time`}},
	} {
		c.in.sort()
		if diff := cmp.Diff(c.want, fields(t, c.in.check())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// However much is at fault, the error says no more than somebody can read.
func TestInventoryFaultsAreBounded(t *testing.T) {
	var in Inventory
	for i := range 1000 {
		in.Projects = append(in.Projects, Project{ID: fmt.Sprint("p", i), Slug: "same"})
		in.Keys = append(in.Keys, foreign(fmt.Sprint("k", i), func(k *ForeignKey) { k.Projects.IDs = slices.Repeat([]string{"a,b"}, 1000) }))
		in.Sessions = append(in.Sessions, Session{})
	}
	in.sort()
	if n := len(fields(t, in.check())); n < enough || n > enough+5 {
		t.Errorf("%d faults are told of", n)
	}
}

func TestDeltaRules(t *testing.T) {
	p := Project{ID: "p", Slug: "x"}
	full := Delta{GoneServices: slices.Repeat([]string{"s"}, MaxBatch)}
	over := full
	over.GoneKeys = []string{"k"}
	for _, c := range []struct {
		name string
		d    Delta
		want []string
	}{
		{"nothing", Delta{}, nil},
		{"as much as may be", full, nil},
		{"one more", over, []string{"items"}},
		{"what goes and comes", Delta{GoneProjects: []string{"p"}, Projects: []Project{p}}, nil},
		{"twice", Delta{Projects: []Project{p, p}}, []string{`projects["p"]`, "projects"}},
		{"ids of what is gone", Delta{GoneProjects: []string{""}, GoneServices: []string{"a b"}, GoneDeployments: []string{".."}, GoneKeys: []string{"/"},
			DoubtfulKeys: []string{","}}, slices.Repeat([]string{"deleted_ids"}, 5)},
		{"a selection of what this difference does not name", Delta{Keys: []ForeignKey{foreign("k", selectedKey)}}, nil},
	} {
		if diff := cmp.Diff(c.want, fields(t, c.d.check())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
