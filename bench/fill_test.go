// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"google.golang.org/grpc"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// TestTheServiceAnswersAsIsExpected fills a database and asks the service everything: what is stored, what is drawn and what the
// answer should be belong together.
func TestTheServiceAnswersAsIsExpected(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(200, 10)
	fillSQLite(t, dir, w)
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	head := func() int64 {
		at, err := store.Log().Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return at.Seq
	}
	if at := head(); at != 1 {
		t.Errorf("the history tells of what was filled in: it is at %d", at)
	}
	run := servertest.Start(t, servertest.Options{Store: store})
	c := &contestant{name: "the service", gateway: []*grpc.ClientConn{run.Gateway}, asked: make(map[*questions]bool)}
	(&bench{TB: t}).askAll(c, newQuestions(w, 3000, true))

	_, err = authzv1.NewKeyServiceClient(run.Admin).RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: w.takeSpare().ID})
	if at := head(); err != nil || at != 2 {
		t.Errorf("the history does not tell of changes any more: it is at %d, %v", at, err)
	}
}
