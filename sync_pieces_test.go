// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestPieces divides what is too much for one transaction. Each name tells what the one thing of interest is beside a crowd.
func TestPieces(t *testing.T) {
	crowd := numbered("z", MaxBatch, 0)
	ended := foreignSession(1, "u")
	ended.ExpiresAt = time.Unix(0, 0).UTC()
	longer, shorter := foreignSession(1, "u"), foreignSession(1, "u")
	longer.ExpiresAt, shorter.ExpiresAt = noon.Add(2*time.Hour), noon.Add(time.Minute)
	owner := foreignSession(1, "u")
	owner.Role = UserRoleOwner
	expiring := func(at time.Duration) func(*ForeignKey) {
		return func(k *ForeignKey) { k.ExpiresAt = noon.Add(at) }
	}
	ofUser := func(k *ForeignKey) { k.UserID = "v" }
	putKey := func(k ForeignKey) *Delta { return &Delta{Keys: []ForeignKey{k}} }
	putSession := func(s Session) *Delta { return &Delta{Sessions: []Session{s}} }
	suspended := &Delta{DoubtfulKeys: []string{"k"}}
	service := []Service{{"s", "p"}}
	mine, theirs := []Project{{ID: "p", Slug: "p", OwnerID: "u"}}, []Project{{ID: "p", Slug: "p", OwnerID: "v"}}
	for _, c := range []struct {
		name          string
		kept, to      Inventory
		before, after []*Delta // the crowd
	}{
		{"what is new", Inventory{}, Inventory{Services: service, Deployments: []Deployment{{"d", "s"}}, Sessions: []Session{longer}, Keys: []ForeignKey{foreign("k")}},
			nil, []*Delta{{Services: service}, {Deployments: []Deployment{{"d", "s"}}}, putKey(foreign("k")), putSession(longer)}},
		{"what goes", Inventory{Projects: mine, Services: service, Deployments: []Deployment{{"d", "s"}}, Sessions: []Session{longer}, Keys: []ForeignKey{foreign("k")}}, Inventory{},
			[]*Delta{{GoneKeys: []string{"k"}}, {GoneSessions: []Digest{{1}}}, {GoneDeployments: []string{"d"}}, {GoneServices: []string{"s"}}, {GoneProjects: []string{"p"}}}, nil},
		{"a service moves", Inventory{Services: service}, Inventory{Services: []Service{{"s", "q"}}},
			[]*Delta{{GoneServices: []string{"s"}}}, []*Delta{{Services: []Service{{"s", "q"}}}}},
		{"a deployment moves", Inventory{Deployments: []Deployment{{"d", "s"}}}, Inventory{Deployments: []Deployment{{"d", "t"}}},
			[]*Delta{{GoneDeployments: []string{"d"}}}, []*Delta{{Deployments: []Deployment{{"d", "t"}}}}},
		{"a project gets another owner", Inventory{Projects: mine, Services: []Service{{"a", "q"}, {"s", "p"}}},
			Inventory{Projects: theirs, Services: []Service{{"a", "q"}, {"s", "p"}}},
			[]*Delta{{GoneServices: []string{"s"}}}, []*Delta{{Services: service}}},
		{"and its service moves", Inventory{Projects: mine, Services: service}, Inventory{Projects: theirs, Services: []Service{{"s", "q"}}},
			[]*Delta{{GoneServices: []string{"s"}}}, []*Delta{{Services: []Service{{"s", "q"}}}}},
		{"and its service goes", Inventory{Projects: mine, Services: service}, Inventory{Projects: theirs}, []*Delta{{GoneServices: []string{"s"}}}, nil},

		{"a key has another user", Inventory{Keys: []ForeignKey{foreign("k")}}, Inventory{Keys: []ForeignKey{foreign("k", ofUser)}},
			[]*Delta{suspended}, []*Delta{putKey(foreign("k", ofUser))}},
		{"a key has another access", Inventory{Keys: []ForeignKey{foreign("k")}}, Inventory{Keys: []ForeignKey{foreign("k", readingKey)}},
			[]*Delta{suspended}, []*Delta{putKey(foreign("k", readingKey))}},
		{"a key is for all projects", Inventory{Keys: []ForeignKey{foreign("k", selectedKey)}}, Inventory{Keys: []ForeignKey{foreign("k")}},
			[]*Delta{suspended}, []*Delta{putKey(foreign("k"))}},
		{"a key expires after all", Inventory{Keys: []ForeignKey{foreign("k")}}, Inventory{Keys: []ForeignKey{foreign("k", expiredKey)}},
			[]*Delta{suspended}, []*Delta{putKey(foreign("k", expiredKey))}},
		{"a key expires earlier", Inventory{Keys: []ForeignKey{foreign("k", expiring(2))}}, Inventory{Keys: []ForeignKey{foreign("k", expiring(1))}},
			[]*Delta{suspended}, []*Delta{putKey(foreign("k", expiring(1)))}},
		{"a key expires later", Inventory{Keys: []ForeignKey{foreign("k", expiring(1))}}, Inventory{Keys: []ForeignKey{foreign("k", expiring(2))}},
			nil, []*Delta{putKey(foreign("k", expiring(2)))}},
		{"a key does not expire", Inventory{Keys: []ForeignKey{foreign("k", expiring(1))}}, Inventory{Keys: []ForeignKey{foreign("k")}},
			nil, []*Delta{putKey(foreign("k"))}},
		{"a key has another name", Inventory{Keys: []ForeignKey{foreign("k")}}, Inventory{Keys: []ForeignKey{foreign("k", renamedKey)}},
			nil, []*Delta{putKey(foreign("k", renamedKey))}},

		{"a session has another user", Inventory{Sessions: []Session{foreignSession(1, "u")}}, Inventory{Sessions: []Session{foreignSession(1, "v")}},
			[]*Delta{putSession(ended)}, []*Delta{putSession(foreignSession(1, "v"))}},
		{"a session has another role", Inventory{Sessions: []Session{foreignSession(1, "u")}}, Inventory{Sessions: []Session{owner}},
			[]*Delta{putSession(ended)}, []*Delta{putSession(owner)}},
		{"a session ends earlier", Inventory{Sessions: []Session{foreignSession(1, "u")}}, Inventory{Sessions: []Session{shorter}},
			[]*Delta{putSession(ended)}, []*Delta{putSession(shorter)}},
		{"a session ends later", Inventory{Sessions: []Session{foreignSession(1, "u")}}, Inventory{Sessions: []Session{longer}},
			nil, []*Delta{putSession(longer)}},
	} {
		c.to.WithKeys, c.to.WithSessions = true, true
		c.to.Projects = slices.Concat(c.to.Projects, crowd)
		d := Difference(&c.kept, &c.to)
		got := d.pieces(&c.kept)
		want := slices.Clone(c.before)
		for some := range slices.Chunk(d.Projects, MaxBatch) {
			want = append(want, &Delta{Projects: some})
		}
		if diff := cmp.Diff(append(want, c.after...), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestOnePieceIsEnough(t *testing.T) {
	d := &Delta{Projects: numbered("p", MaxBatch-1, 0), GoneKeys: []string{"k"}}
	if got := d.pieces(&Inventory{}); len(got) != 1 || got[0] != d {
		t.Errorf("got %d pieces", len(got))
	}
}
