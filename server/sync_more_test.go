// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

func TestSyncDryRun(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.sync(t, wholeSync(7), syncWorld())
	before := s.everything(t)
	to := syncWorld()
	to.Projects = []*v1.Project{{Id: "p", Slug: "store", Name: "Store"}, {Id: "r", Slug: "r"}}
	to.Services, to.Deployments, to.Sessions, to.Keys = []*v1.Service{{Id: "s", ProjectId: "r"}}, nil, nil, []*v1.ForeignKey{syncKey("l", "")}
	b := wholeSync(8)
	b.DryRun = true
	result := s.sync(t, b, to)
	if result.GetReceipt() != nil {
		t.Errorf("it has a receipt: %v", result.GetReceipt())
	}
	var got []string
	for _, c := range result.GetChanges() {
		if c.GetKind() == "session" {
			c.Id, c.Before = c.GetId()[:4], strings.SplitAfter(c.GetBefore(), "until ")[0]
		}
		got = append(got, fmt.Sprintf("%s %s: %s -> %s", c.GetKind(), c.GetId(), c.GetBefore(), c.GetAfter()))
	}
	until := syncKey("l", "").GetKey().GetExpireTime().AsTime().Format(time.RFC3339)[:10]
	want := []string{
		`project p: slug shop, name "", of user ada -> slug store, name "Store", nobody's`,
		`project r:  -> slug r, name "", nobody's`,
		`project q: slug blog, name "", of user ada -> `,
		`service s: in project p -> in project r`,
		`deployment d: of service s -> `,
		`key l:  -> "Key l", nobody's, write, all projects, until ` + until,
		`key k: "Key k", of user ada, write, all projects, until ` + until + ` -> revoked`,
		`session 3c46: of user ada, role user, until  -> `,
	}
	for i := range got { // the minute may have passed
		if before, after, ok := strings.Cut(got[i], until+"T"); ok {
			got[i] = before + until + after[len("00:00:00Z"):]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, s.everything(t)); diff != "" {
		t.Errorf("a dry run changed something (-before +after):\n%s", diff)
	}
	// However much would change, a client can take what it is told.
	b.WithKeys, b.WithSessions = false, false
	many := numberedProjects(maxSync)
	for _, p := range many.GetProjects() {
		p.Name, p.Slug = strings.Repeat("ä", 255), p.GetSlug()+strings.Repeat("x", 250)
	}
	for chunk := range 2 {
		for i, p := range many.GetProjects() {
			p.Name = strings.Repeat(string(rune('𐀀'+chunk*3+i%2)), 255)
		}
		if chunk == 0 {
			s.syncInParts(t, &v1.SyncBegin{Revision: 9}, many)
			continue
		}
		if n := len(s.syncInParts(t, &v1.SyncBegin{Revision: 9, DryRun: true}, many).GetChanges()); n < 1000 || n == maxSync {
			t.Errorf("%d changes are told of", n)
		}
	}
}

// syncInParts is sync for much.
func (s *service) syncInParts(t *testing.T, b *v1.SyncBegin, all *v1.SyncItems) *v1.SyncResult {
	t.Helper()
	messages := []*v1.SyncCatalogRequest{begin(b)}
	for _, p := range all.GetProjects() {
		messages = append(messages, items(&v1.SyncItems{Projects: []*v1.Project{p}}))
	}
	progress, result, err := s.send(t.Context(), append(messages, end(int64(len(all.GetProjects()))))...)
	wantCode(t, err, codes.OK)
	if !b.GetDryRun() && progress == 0 {
		t.Error("nobody said how far it was")
	}
	return result
}

// Keys are Aeroplane's until they are taken over, and ours from there.
func TestSyncTakesKeys(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.sync(t, wholeSync(1), syncWorld())
	to := syncWorld()
	to.Keys = append(to.Keys, syncKey("l", ""), syncKey("m", ""))
	take := wholeSync(2)
	take.TakeKeys = true
	if result := s.sync(t, take, to); result.GetKeysOurs() {
		t.Errorf("what was said of keys was not followed: %v", result)
	}
	expect := func(what, good string) {
		t.Helper()
		var got string
		for _, id := range []string{"k", "l", "m", "n"} {
			if s.passes(t, syncKeyText(id), "p") {
				got += id
			}
		}
		if got != good {
			t.Errorf("%s: %q are good, want %q", what, got, good)
		}
	}
	expect("all are taken", "klm")
	_, err := s.keys.RevokeKey(t.Context(), &v1.RevokeKeyRequest{Id: "l"})
	wantCode(t, err, codes.OK)
	expect("one is revoked here", "km")
	for what, b := range map[string]*v1.SyncBegin{"all of it": wholeSync(2), "a difference": afterSync(2, 2)} {
		follow := &v1.SyncItems{Keys: []*v1.ForeignKey{syncKey("l", ""), syncKey("n", "")}}
		if b.AfterRevision == nil {
			follow.Projects = to.GetProjects()
		} else {
			follow.GoneKeyIds, follow.DoubtfulKeyIds = []string{"k"}, []string{"m"}
		}
		if result := s.sync(t, b, follow); !result.GetKeysOurs() {
			t.Errorf("%s: it does not say that keys are ours: %v", what, result)
		}
		expect("keys are ours, after "+what, "km")
	}
	again := proto.CloneOf(to)
	again.Keys = []*v1.ForeignKey{syncKey("l", ""), syncKey("m", ""), syncKey("n", "")}
	again.Keys[1].Key.RevokeTime = timestamppb.Now()
	take.Revision = 3
	s.sync(t, take, again)
	expect("they are taken again: one is new, one revoked there, one not there any more", "kn")
	state, err := s.catalog.GetSyncState(t.Context(), &v1.GetSyncStateRequest{})
	wantCode(t, err, codes.OK)
	if !state.GetKeysOurs() || state.GetRevision() != 3 {
		t.Errorf("the state is %v", state)
	}
}

func TestSyncState(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Microsecond)
	var minutes atomic.Int64
	clock := func() time.Time { return began.Add(time.Duration(minutes.Load()) * time.Minute) }
	s := start(t, servertest.Options{Now: clock})
	expect := func(what string, want *v1.GetSyncStateResponse) {
		t.Helper()
		got, err := s.catalog.GetSyncState(t.Context(), &v1.GetSyncStateRequest{})
		wantCode(t, err, codes.OK)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	expect("at first", &v1.GetSyncStateResponse{})
	b := wholeSync(7)
	b.RefusedCount = 3
	s.sync(t, b, syncWorld())
	now := timestamppb.New(clock())
	want := &v1.GetSyncStateResponse{Revision: 7, Complete: true, Source: "/data/deploy.db", SyncTime: now, SeenTime: now, RefusedCount: 3}
	expect("after a sync", want)
	report := func(trouble string) {
		t.Helper()
		_, err := s.catalog.ReportSync(t.Context(), &v1.ReportSyncRequest{Trouble: trouble})
		wantCode(t, err, codes.OK)
	}
	report("it is locked")
	want.Trouble, want.TroubleTime = "it is locked", now
	expect("in trouble", want)
	report("")
	want.Trouble, want.TroubleTime = "", nil
	expect("out of it", want)
	report("it is gone")
	s.sync(t, afterSync(7, 9), &v1.SyncItems{})
	want.Revision, want.RefusedCount = 9, 0
	expect("after a step", want)
	b = afterSync(9, 10)
	b.Trouble = "all services are held"
	minutes.Add(1)
	s.sync(t, b, &v1.SyncItems{})
	now = timestamppb.New(clock())
	want.Revision, want.SyncTime, want.Trouble, want.TroubleTime = 10, now, b.GetTrouble(), now
	expect("after one that holds something back", want)
	b = wholeSync(11)
	b.Trouble = "all services are held"
	minutes.Add(1)
	s.sync(t, b, syncWorld())
	want.Revision, want.SyncTime = 11, timestamppb.New(clock())
	expect("after another, of everything", want)
	s.sync(t, afterSync(11, 12), &v1.SyncItems{})
	want.Revision, want.SeenTime, want.Trouble, want.TroubleTime = 12, want.GetSyncTime(), "", nil
	expect("after one that holds nothing back", want)
}

// What a sync takes away is refused from its answer on.
func TestSyncTakesAway(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.sync(t, wholeSync(1), syncWorld())
	expect := func(what string, want ...bool) {
		t.Helper()
		got := []bool{s.passes(t, syncKeyText("k"), "p"), s.passes(t, syncKeyText("k"), "q"), s.passes(t, "token", "p")}
		if !slices.Equal(got, want) {
			t.Errorf("%s: key, key elsewhere, session: got %v, want %v", what, got, want)
		}
	}
	expect("at first", true, true, true)
	moved := proto.CloneOf(syncWorld().GetProjects()[0])
	moved.OwnerId = "bob"
	s.sync(t, afterSync(1, 2), &v1.SyncItems{Projects: []*v1.Project{moved}})
	expect("a project has another owner", false, true, false)
	s.sync(t, wholeSync(3), syncWorld())
	expect("and has the first again", true, true, true)
	s.sync(t, afterSync(3, 4), &v1.SyncItems{GoneSessionSha256S: [][]byte{syncSession("token", "").GetTokenSha256()}})
	expect("the session has ended", true, true, false)
	doubt := syncWorld()
	doubt.Keys, doubt.DoubtfulKeyIds = nil, []string{"k"}
	s.sync(t, wholeSync(5), doubt)
	expect("the key is in doubt, and a session that has ended comes again", false, false, false)
	s.sync(t, afterSync(5, 6), &v1.SyncItems{Keys: syncWorld().GetKeys()})
	expect("the key is clear again", true, true, false)
	without := syncWorld()
	without.Keys = nil
	s.sync(t, wholeSync(7), without)
	expect("the key is gone", false, false, false)
	s.sync(t, wholeSync(8), syncWorld())
	expect("and comes again", false, false, false)
}
