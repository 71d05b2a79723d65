// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func foreign(id string, change ...func(*ForeignKey)) ForeignKey {
	k := ForeignKey{Key: Key{ID: id, Name: "Key " + id, Prefix: "ap_" + id, Access: Write, Projects: ProjectScope{All: true}, CreatedAt: noon},
		Digest: Digest{id[0]}}
	for _, c := range change {
		c(&k)
	}
	return k
}

func revokedKey(k *ForeignKey)  { k.RevokedAt = noon }
func expiredKey(k *ForeignKey)  { k.ExpiresAt = noon.Add(-time.Hour) }
func renamedKey(k *ForeignKey)  { k.Name = "Other" }
func rotatedKey(k *ForeignKey)  { k.Digest = Digest{1} }
func readingKey(k *ForeignKey)  { k.Access = Read }
func usedKey(k *ForeignKey)     { k.LastUsedAt = noon }
func bornKey(k *ForeignKey)     { k.CreatedAt = noon.Add(-time.Hour) }
func selectedKey(k *ForeignKey) { k.Projects = ProjectScope{IDs: []string{"p"}} }

func foreignSession(first byte, user string) Session {
	return Session{Digest: Digest{first}, UserID: user, Role: UserRoleUser, ExpiresAt: noon.Add(time.Hour)}
}

func keys(k ...ForeignKey) *Inventory { return &Inventory{WithKeys: true, Keys: k} }

func sessionsOf(s ...Session) *Inventory { return &Inventory{WithSessions: true, Sessions: s} }

func TestDifference(t *testing.T) {
	longer := foreignSession(1, "u")
	longer.ExpiresAt = longer.ExpiresAt.Add(time.Hour)
	elsewhere := foreignSession(1, "u")
	elsewhere.ExpiresAt = elsewhere.ExpiresAt.In(time.FixedZone("", 3600))
	for _, c := range []struct {
		name     string
		from, to *Inventory
		want     Delta
	}{
		{"nothing", &Inventory{}, &Inventory{}, Delta{}},
		{"the catalog",
			&Inventory{Projects: []Project{{ID: "a"}, {ID: "b", Name: "B"}, {ID: "c"}}, Services: []Service{{"s", "a"}, {"t", "a"}, {"u", "a"}},
				Deployments: []Deployment{{"d", "s"}, {"e", "s"}, {"f", "s"}}},
			&Inventory{Projects: []Project{{ID: "a"}, {ID: "b", Name: "b"}, {ID: "d"}}, Services: []Service{{"r", "a"}, {"s", "b"}, {"u", "a"}},
				Deployments: []Deployment{{"d", "t"}, {"f", "s"}, {"g", "s"}}},
			Delta{Projects: []Project{{ID: "b", Name: "b"}, {ID: "d"}}, GoneProjects: []string{"c"},
				Services: []Service{{"r", "a"}, {"s", "b"}}, GoneServices: []string{"t"},
				Deployments: []Deployment{{"d", "t"}, {"g", "s"}}, GoneDeployments: []string{"e"}}},
		{"everything goes", &Inventory{Projects: []Project{{ID: "a"}, {ID: "b"}}}, &Inventory{}, Delta{GoneProjects: []string{"a", "b"}}},

		{"sessions", sessionsOf(foreignSession(1, "u"), foreignSession(2, "u"), foreignSession(3, "u")),
			sessionsOf(longer, foreignSession(3, "u"), foreignSession(4, "u")),
			Delta{Sessions: []Session{longer, foreignSession(4, "u")}, GoneSessions: []Digest{{2}}}},
		{"a session of another user", sessionsOf(foreignSession(1, "u")), sessionsOf(foreignSession(1, "v")),
			Delta{Sessions: []Session{foreignSession(1, "v")}}},
		{"the same time in another zone", sessionsOf(foreignSession(1, "u")), sessionsOf(elsewhere), Delta{}},
		{"nothing is said of sessions", sessionsOf(foreignSession(1, "u")), &Inventory{Sessions: []Session{foreignSession(2, "u")}}, Delta{}},

		{"a new key", keys(), keys(foreign("k")), Delta{Keys: []ForeignKey{foreign("k")}}},
		{"a new key that was revoked", keys(), keys(foreign("k", revokedKey)), Delta{Keys: []ForeignKey{foreign("k", revokedKey)}}},
		{"the same key", keys(foreign("k")), keys(foreign("k", usedKey, bornKey)), Delta{}},
		{"another name", keys(foreign("k")), keys(foreign("k", renamedKey)), Delta{Keys: []ForeignKey{foreign("k", renamedKey)}}},
		{"another access", keys(foreign("k")), keys(foreign("k", readingKey)), Delta{Keys: []ForeignKey{foreign("k", readingKey)}}},
		{"another end", keys(foreign("k")), keys(foreign("k", expiredKey)), Delta{Keys: []ForeignKey{foreign("k", expiredKey)}}},
		{"another selection", keys(foreign("k")), keys(foreign("k", selectedKey)), Delta{Keys: []ForeignKey{foreign("k", selectedKey)}}},
		{"another secret", keys(foreign("k")), keys(foreign("k", rotatedKey)), Delta{GoneKeys: []string{"k"}}},
		{"it was revoked there", keys(foreign("k")), keys(foreign("k", revokedKey)), Delta{GoneKeys: []string{"k"}}},
		{"it was revoked here", keys(foreign("k", revokedKey)), keys(foreign("k", renamedKey)), Delta{}},
		{"both", keys(foreign("k", revokedKey)), keys(foreign("k", revokedKey, rotatedKey)), Delta{}},
		{"a key is gone", keys(foreign("k"), foreign("l", revokedKey)), keys(), Delta{GoneKeys: []string{"k"}}},
		{"keys in doubt", keys(foreign("k"), foreign("l", revokedKey), foreign("m")), &Inventory{WithKeys: true, DoubtfulKeys: []string{"k", "l", "z"}},
			Delta{DoubtfulKeys: []string{"k"}, GoneKeys: []string{"m"}}},
		{"keys that were in doubt", &Inventory{DoubtfulKeys: []string{"k", "l", "m"}}, &Inventory{WithKeys: true, Keys: []ForeignKey{foreign("k")}, DoubtfulKeys: []string{"l"}},
			Delta{Keys: []ForeignKey{foreign("k")}, GoneKeys: []string{"m"}}},
		{"some go for one reason and some for another", keys(foreign("a"), foreign("b"), foreign("c")),
			keys(foreign("a", revokedKey), foreign("c", rotatedKey)), Delta{GoneKeys: []string{"a", "b", "c"}}},
		{"nothing is said of keys", keys(foreign("k")), &Inventory{Keys: []ForeignKey{foreign("l")}, DoubtfulKeys: []string{"k"}}, Delta{}},
	} {
		if diff := cmp.Diff(&c.want, Difference(c.from, c.to), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// Two that tell of the same differ in nothing, whatever order and whatever precision of time they came in.
func TestSortMakesInventoriesAlike(t *testing.T) {
	nanos := func(k *ForeignKey) {
		for _, at := range []*time.Time{&k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt} {
			*at = noon.Add(999)
		}
		k.RevokedAt = time.Time{}
		k.Projects = ProjectScope{IDs: []string{"q", "unknown", "p", "q"}}
	}
	short := foreignSession(1, "u")
	short.ExpiresAt, short.RevokedAt = short.ExpiresAt.Add(999).In(time.FixedZone("", 3600)), noon
	in := Inventory{Projects: []Project{{ID: "q"}, {ID: "p"}}, Services: []Service{{ID: "t"}, {ID: "s"}}, Deployments: []Deployment{{ID: "e"}, {ID: "d"}},
		WithSessions: true, Sessions: []Session{foreignSession(2, "u"), short}, WithKeys: true, Keys: []ForeignKey{foreign("l"), foreign("k", nanos)},
		DoubtfulKeys: []string{"n", "m"}}
	sent := in.Keys[1].Projects.IDs
	in.Sort()
	stored := func(k *ForeignKey) {
		k.ExpiresAt, k.LastUsedAt, k.Projects = noon, noon, ProjectScope{IDs: []string{"p", "q"}}
	}
	want := Inventory{Projects: []Project{{ID: "p"}, {ID: "q"}}, Services: []Service{{ID: "s"}, {ID: "t"}}, Deployments: []Deployment{{ID: "d"}, {ID: "e"}},
		WithSessions: true, Sessions: []Session{foreignSession(1, "u"), foreignSession(2, "u")}, WithKeys: true,
		Keys: []ForeignKey{foreign("k", stored), foreign("l")}, DoubtfulKeys: []string{"m", "n"}}
	if diff := cmp.Diff(want, in, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"q", "unknown", "p", "q"}, sent); diff != "" {
		t.Errorf("what was sent is another now (-want +got):\n%s", diff)
	}
}
