// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// What a sync says of itself is sent whole, by whoever follows from elsewhere.
func TestBeginOf(t *testing.T) {
	t.Parallel()
	want := &v1.SyncBegin{Revision: 7, Source: "/data/deploy.db", TakeKeys: true, Cautious: true, DryRun: true, RefusedCount: 3, Trouble: "all services are held"}
	got := beginOf(authz.SyncRequest{Revision: 7, Source: "/data/deploy.db", TakeKeys: true, Cautious: true, DryRun: true, Refused: 3, Trouble: "all services are held"})
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
