// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// What there may be in Aeroplane: few of everything, so that changes meet. The crowd stands between the projects, so that what is done
// about them falls into different transactions.
var (
	syncUsers       = []string{"", "ada", "bob"}
	syncSlugs       = []string{"x", "y", "z"}
	syncProjects    = []string{"a", "m", "z"}
	syncServices    = []string{"s", "t"}
	syncDeployments = []string{"d", "e"}
)

// What is revoked is so for good, and so there are others after a while.
const era = 6

func (w *world) named(kind string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%d-of-%d", kind, i, w.round/era))
	}
	return names
}

func (w *world) tokens() []string     { return w.named("token", 3) }
func (w *world) foreignIDs() []string { return w.named("foreign", 4) }
func (w *world) ownIDs() []string     { return w.named("own", 2) }
func (w *world) ownToken() string     { return w.named("own-token", 1)[0] }

// keyTextOf returns the text of a key as Aeroplane makes them, and after it was made anew that of another generation.
func keyTextOf(id string, generation int) string {
	one, other := sha256.Sum256([]byte(id)), sha256.Sum256(fmt.Appendf(nil, "%s %d", id, generation))
	return fmt.Sprintf("ap_%.4x_%.43s", one[:4], fmt.Sprintf("%x", other))
}

var syncStart = time.Now().Truncate(time.Second).UTC()

// A world makes inventories, each out of the one before.
type world struct {
	*rand.Rand
	in    authz.Inventory
	crowd int // how many projects, services and deployments beside
	round int
	own   []string // the keys that were made here
}

func pickOf[T any](w *world, all []T) T { return all[w.IntN(len(all))] }

// next returns what there is after some things have happened.
func (w *world) next() *authz.Inventory {
	w.round++
	var to authz.Inventory
	to.WithSessions, to.WithKeys = w.IntN(4) > 0, w.IntN(4) > 0
	to.Projects = w.projects()
	for _, id := range syncServices {
		to.Services = keep(w, to.Services, one(w.in.Services, func(s authz.Service) bool { return s.ID == id }), func() authz.Service { return authz.Service{ID: id, ProjectID: pickOf(w, syncProjects)} })
	}
	for _, id := range syncDeployments {
		to.Deployments = keep(w, to.Deployments, one(w.in.Deployments, func(d authz.Deployment) bool { return d.ID == id }),
			func() authz.Deployment { return authz.Deployment{ID: id, ServiceID: pickOf(w, syncServices)} })
	}
	for _, token := range w.tokens() {
		to.Sessions = keep(w, to.Sessions, nil, func() authz.Session {
			return authz.Session{Digest: apikey.DigestOf(token), UserID: pickOf(w, syncUsers), Role: authz.UserRole(1 + w.IntN(2)),
				ExpiresAt: syncStart.Add(time.Duration(1+w.IntN(3))*time.Hour + 999)} // more precise than can be stored
		})
	}
	w.keys(&to)
	w.in = to
	w.in.Projects, w.in.Services = slices.Clone(to.Projects), slices.Clone(to.Services)
	w.in.Deployments, w.in.Keys = slices.Clone(to.Deployments), slices.Clone(to.Keys)
	w.in.Sessions, w.in.DoubtfulKeys = slices.Clone(to.Sessions), slices.Clone(to.DoubtfulKeys)
	return &to
}

func one[T any](all []T, is func(T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return &all[i]
	}
	return nil
}

// keep adds nothing, what was, or something new.
func keep[T any](w *world, all []T, was *T, fresh func() T) []T {
	switch n := w.IntN(8); {
	case n == 0:
		return all
	case n < 4 && was != nil:
		return append(all, *was)
	}
	return append(all, fresh())
}

// projects gives each project an owner and a slug that is free, and each of the crowd a name of this round.
func (w *world) projects() (all []authz.Project) {
	taken := map[authz.Project]bool{}
	for _, id := range syncProjects {
		p := authz.Project{ID: id, Slug: pickOf(w, syncSlugs), OwnerID: pickOf(w, syncUsers)}
		if bearing := (authz.Project{Slug: p.Slug, OwnerID: p.OwnerID}); w.IntN(8) > 0 && !taken[bearing] {
			taken[bearing] = true
			all = append(all, p)
		}
	}
	for i := range w.crowd {
		name := fmt.Sprintf("%c%03d", "bn"[i%2], i)
		all = append(all, authz.Project{ID: name, Slug: name, Name: fmt.Sprint("round ", w.round), OwnerID: "crowd"})
	}
	return all
}

func (w *world) keys(to *authz.Inventory) {
	for _, id := range w.foreignIDs() {
		k := authz.ForeignKey{Digest: apikey.DigestOf(keyTextOf(id, 0))}
		k.Key = authz.Key{ID: id, Name: pickOf(w, []string{"one", "two"}), Prefix: "ap_" + id, UserID: pickOf(w, syncUsers), Access: authz.Access(1 + w.IntN(2)),
			CreatedAt: syncStart.Add(-time.Hour), LastUsedAt: syncStart.Add(-time.Minute)}
		if k.Projects.All = w.IntN(2) == 0; !k.Projects.All {
			k.Projects.IDs = []string{pickOf(w, syncProjects), "unknown", pickOf(w, syncProjects)}
		}
		switch w.IntN(24) {
		case 0:
			continue
		case 1, 2:
			to.DoubtfulKeys = append(to.DoubtfulKeys, id)
			continue
		case 3:
			k.RevokedAt = syncStart
		case 4:
			k.Digest = apikey.DigestOf(keyTextOf(id, 1))
		case 5, 6:
			k.ExpiresAt = syncStart.Add(time.Hour + 999)
		case 7:
			k.ExpiresAt = syncStart.Add(-time.Hour)
		}
		to.Keys = append(to.Keys, k)
	}
	if len(w.own) > 0 && w.IntN(3) == 0 { // somebody who can write to Aeroplane's file tries to get at a key of ours
		k := authz.ForeignKey{Digest: apikey.DigestOf("forged"), Key: authz.Key{ID: pickOf(w, w.own), Name: "forged", Prefix: "ap_", Access: authz.Write,
			Projects: authz.ProjectScope{All: true}, CreatedAt: syncStart, LastUsedAt: syncStart}}
		if w.IntN(2) == 0 {
			k.ID, k.Digest = "forged", apikey.DigestOf(keyTextOf(k.ID, 0))
		}
		to.Keys = append(to.Keys, k)
	}
}

// ownKey is a key that was made here.
func ownKey(w *world, id string, projects []authz.Project) authz.NewKey {
	k := authz.NewKey{Digest: apikey.DigestOf(keyTextOf(id, 0)), Key: authz.Key{ID: id, Name: "ours", Prefix: "ap_" + id, Access: authz.Write, CreatedAt: syncStart}}
	if k.Projects.All = w.IntN(2) == 0 || len(projects) == 0; k.Projects.All {
		k.UserID = pickOf(w, syncUsers)
	} else {
		k.Projects.IDs = []string{projects[w.IntN(len(projects))].ID}
	}
	return k
}

func mustDo(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
