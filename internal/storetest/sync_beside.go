// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// syncBeside syncs while everything else is changed as well, in whatever order. What is in the way is an answer, and no failure; who has
// waited for too long, where the machine is busy, tries again.
func syncBeside(t *testing.T, f *fixture) {
	ctx := t.Context()
	name := func(kind string, n int) string { return fmt.Sprintf("%s%02d", kind, n) }
	const many = 40
	some := func(r *rand.Rand, kind string) (ids []string) {
		for _, n := range r.Perm(many)[:10] {
			ids = append(ids, name(kind, n))
		}
		return ids
	}
	putAll := new(authz.Delta)
	for n := range many {
		putAll.Projects = append(putAll.Projects, project(name("p", n), "ada"))
	}
	f.synced(t, 0, putAll)
	var syncs, others atomic.Int64
	together(6, func(worker int) {
		r := rand.New(rand.NewPCG(5, uint64(worker)))
		change := func(n int) (what string, err error) {
			if worker < 2 {
				d := &authz.Delta{GoneKeys: some(r, "k"), DoubtfulKeys: some(r, "k"), GoneServices: some(r, "s"), GoneProjects: some(r, "p")[:2],
					GoneSessions: []authz.Digest{digest(some(r, "token")[0])}}
				for _, id := range some(r, "p") {
					d.Projects = append(d.Projects, authz.Project{ID: id, Slug: "slug-" + id, Name: fmt.Sprint(worker, n), OwnerID: "ada"})
				}
				for _, id := range some(r, "s") {
					d.Services = append(d.Services, authz.Service{ID: id, ProjectID: some(r, "p")[0]})
				}
				for _, id := range some(r, "k") {
					d.Keys = append(d.Keys, foreignKey(fmt.Sprintf("%s-%d", id, n/10), "ada", some(r, "p")...))
				}
				for _, id := range some(r, "token") {
					d.Sessions = append(d.Sessions, session(fmt.Sprintf("%s-%d", id, n/10), "ada", authz.UserRoleUser))
				}
				return "sync", error2(f.sync(ctx, at(time.Duration(n)), d))
			}
			switch r.IntN(7) {
			case 0:
				id := fmt.Sprintf("own-%d-%d", worker, n)
				return "create a key", error2(f.CreateKey(ctx, at(0), newKey(id, "ada", some(r, "p")...)))
			case 1:
				return "revoke keys", error2(f.RevokeKeysOfUser(ctx, at(0), "ada"))
			case 2:
				return "revoke sessions", error2(f.RevokeSessionsOfUser(ctx, at(0), "ada"))
			case 3, 4:
				var put []authz.Project
				for _, id := range some(r, "p")[:1] {
					put = append(put, authz.Project{ID: id, Slug: "slug-" + id, Name: fmt.Sprint(worker, n), OwnerID: "ada"})
				}
				return "put a project", error2(f.PutProjects(ctx, at(0), put))
			case 5:
				return "delete a project", error2(f.DeleteProjects(ctx, at(0), some(r, "p")[:1]))
			}
			return "delete services", error2(f.DeleteServices(ctx, at(0), some(r, "s")))
		}
		for n := range 60 {
			what, err := change(n)
			for tries := 0; authz.KindOf(err) == authz.Unavailable && tries < 5; tries++ {
				what, err = change(n)
			}
			switch kind := authz.KindOf(err); {
			case err == nil && what == "sync":
				syncs.Add(1)
			case err == nil:
				others.Add(1)
			case kind != authz.FailedPrecondition && kind != authz.Invalid:
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	if syncs.Load() < 30 || others.Load() < 100 {
		t.Errorf("%d syncs beside %d other changes: that proves little", syncs.Load(), others.Load())
	}
}
