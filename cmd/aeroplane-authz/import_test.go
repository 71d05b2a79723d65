// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// What an import has read does not come after what a follower has read later: what moved meanwhile would move back.
func TestImportBesideAFollower(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, servertest.Options{Store: db})
	catalog := v1.NewCatalogServiceClient(s.Admin)
	target := &remoteSync{catalog: catalog}
	in := "p-web"
	read := func() *aeroplane.Reading {
		return &aeroplane.Reading{Inventory: authz.Inventory{Services: []authz.Service{{ID: "s", ProjectID: in}},
			Projects: []authz.Project{{ID: "p-shop", Slug: "shop"}, {ID: "p-web", Slug: "web"}}}}
	}
	reads := 0
	_, _, err = takeOver(t.Context(), target, authz.SyncRequest{Source: "test"}, func() (*aeroplane.Reading, error) {
		r := read()
		if reads++; reads == 1 {
			in = "p-shop" // and it is followed before the import is sent
			request := authz.SyncRequest{Revision: time.Now().UnixMicro() + 1, Source: "follower"}
			if _, err := target.Whole(t.Context(), request, &read().Inventory); err != nil {
				return nil, err
			}
		}
		return r, nil
	})
	if err != nil || reads != 2 {
		t.Errorf("it was read %d times, %v", reads, err)
	}
	out, err := catalog.ListServices(t.Context(), &v1.ListServicesRequest{})
	if err != nil || !slices.ContainsFunc(out.GetServices(), func(s *v1.Service) bool { return s.GetProjectId() == "p-shop" }) {
		t.Errorf("%v, %v", out, err)
	}
}
