// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// numberedProjects returns many projects, one after the other.
func numberedProjects(n int) *v1.SyncItems {
	all := new(v1.SyncItems)
	for i := range n {
		all.Projects = append(all.Projects, &v1.Project{Id: fmt.Sprintf("n%04d", i), Slug: fmt.Sprintf("n%04d", i)})
	}
	return all
}

// TestSyncsThatAreRefused: each changes nothing, and says what is wrong.
func TestSyncsThatAreRefused(t *testing.T) {
	t.Parallel()
	var logged servertest.Logbook
	s := start(t, servertest.Options{Log: logged.Logger()})
	s.sync(t, wholeSync(7), syncWorld())
	all := syncWorld()
	with := func(change func(*v1.SyncItems)) *v1.SyncItems {
		i := syncWorld()
		change(i)
		return i
	}
	key := func(change func(*v1.ForeignKey)) *v1.SyncItems {
		return with(func(i *v1.SyncItems) { change(i.GetKeys()[0]) })
	}
	unknown := syncWorld()
	unknown.GetProjects()[1].ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	whole := func(i *v1.SyncItems) []*v1.SyncCatalogRequest {
		return []*v1.SyncCatalogRequest{begin(wholeSync(8)), items(i), end(countOf(i))}
	}
	beginning := func(change func(*v1.SyncBegin)) []*v1.SyncCatalogRequest {
		b := wholeSync(8)
		change(b)
		return []*v1.SyncCatalogRequest{begin(b), items(all), end(countOf(all))}
	}
	after := int64(7)
	far := &timestamppb.Timestamp{Seconds: 1 << 40}
	for _, c := range []struct {
		name     string
		messages []*v1.SyncCatalogRequest
		want     string // the field at fault, or the reason
	}{
		{"nothing", nil, "end"},
		{"an empty message", []*v1.SyncCatalogRequest{{}}, "part"},
		{"items before the begin", []*v1.SyncCatalogRequest{items(all), begin(wholeSync(8)), end(6)}, "part"},
		{"the end at once", []*v1.SyncCatalogRequest{end(0)}, "part"},
		{"two begins", []*v1.SyncCatalogRequest{begin(wholeSync(8)), begin(wholeSync(8)), end(0)}, "part"},
		{"no part among items", []*v1.SyncCatalogRequest{begin(wholeSync(8)), {}, end(0)}, "part"},
		{"no end", []*v1.SyncCatalogRequest{begin(wholeSync(8)), items(all)}, "end"},
		{"one too few", []*v1.SyncCatalogRequest{begin(wholeSync(8)), items(all), end(7)}, "end.item_count"},
		{"one too many", []*v1.SyncCatalogRequest{begin(wholeSync(8)), items(all), end(5)}, "end.item_count"},
		{"too much", whole(numberedProjects(maxSync + 1)), "items"},
		{"a message that is too long", whole(with(func(i *v1.SyncItems) { i.GoneKeyIds = []string{strings.Repeat("x", 5<<20)} })), ""},
		{"an older revision", beginning(func(b *v1.SyncBegin) { b.Revision = 6 }), "SYNC_STALE"},
		{"no revision", beginning(func(b *v1.SyncBegin) { b.Revision = 0 }), "revision"},
		{"a revision that none can follow", beginning(func(b *v1.SyncBegin) { b.Revision = math.MaxInt64 }), "revision"},
		{"a source that does not print", beginning(func(b *v1.SyncBegin) { b.Source = "a\nb" }), "source"},
		{"a source that is too long", beginning(func(b *v1.SyncBegin) { b.Source = strings.Repeat("x", 1025) }), "source"},
		{"trouble without end", beginning(func(b *v1.SyncBegin) { b.Trouble = strings.Repeat("x", 1025) }), "trouble"},
		{"fewer than none refused", beginning(func(b *v1.SyncBegin) { b.RefusedCount = -1 }), "begin.refused_count"},
		{"sessions without the flag", beginning(func(b *v1.SyncBegin) { b.WithSessions = false }), "items.sessions"},
		{"keys without the flag", beginning(func(b *v1.SyncBegin) { b.WithKeys = false }), "items.keys"},
		{"to take keys without keys", beginning(func(b *v1.SyncBegin) { b.WithKeys, b.TakeKeys = false, true }), "begin.take_keys"},
		{"to take keys of a difference", beginning(func(b *v1.SyncBegin) { b.AfterRevision, b.TakeKeys = &after, true }), "begin.take_keys"},
		{"a difference that changes nothing", beginning(func(b *v1.SyncBegin) { b.AfterRevision, b.DryRun = &after, true }), "begin.after_revision"},
		{"a cautious difference", beginning(func(b *v1.SyncBegin) { b.AfterRevision, b.Cautious = &after, true }), "begin.after_revision"},
		{"a difference to something else", []*v1.SyncCatalogRequest{begin(afterSync(6, 8)), end(0)}, "SYNC_CONFLICT"},
		{"a difference that goes back", []*v1.SyncCatalogRequest{begin(afterSync(7, 6)), end(0)}, "SYNC_CONFLICT"},
		{"a large difference", []*v1.SyncCatalogRequest{begin(afterSync(7, 8)), items(numberedProjects(501)), end(501)}, "items"},
		{"a difference with a bad id", []*v1.SyncCatalogRequest{begin(afterSync(7, 8)), items(&v1.SyncItems{GoneProjectIds: []string{"a b"}}), end(1)}, "deleted_ids"},
		{"most goes", []*v1.SyncCatalogRequest{begin(&v1.SyncBegin{Revision: 8, Cautious: true}), end(0)}, "SYNC_HELD"},
		{"what is gone of all", whole(with(func(i *v1.SyncItems) { i.GoneProjectIds = []string{"p"} })), "items"},
		{"a field of a later version", whole(unknown), "items.projects[1].99"},
		{"no project", whole(with(func(i *v1.SyncItems) { i.Projects = append(i.Projects, nil) })), `projects[""].id`},
		{"a slug", whole(with(func(i *v1.SyncItems) { i.GetProjects()[0].Slug = "a/b" })), `projects["p"].slug`},
		{"one slug twice", whole(with(func(i *v1.SyncItems) { i.GetProjects()[0].Slug = "blog" })), "projects"},
		{"a session's digest", whole(with(func(i *v1.SyncItems) { i.GetSessions()[0].TokenSha256 = make([]byte, 31) })), "session.token_sha256"},
		{"a session's end", whole(with(func(i *v1.SyncItems) { i.GetSessions()[0].ExpireTime = nil })), `sessions[of user "ada"].expire_time`},
		{"a digest of a session that is gone", []*v1.SyncCatalogRequest{begin(afterSync(7, 8)), items(&v1.SyncItems{GoneSessionSha256S: [][]byte{{1}}}), end(1)}, "gone_session_sha256s"},
		{"no key", whole(key(func(k *v1.ForeignKey) { k.Key = nil })), "keys.key"},
		{"a key's digest", whole(key(func(k *v1.ForeignKey) { k.KeySha256 = nil })), `keys["k"].key_sha256`},
		{"a key's access", whole(key(func(k *v1.ForeignKey) { k.Key.AccessLevel = 7 })), `keys["k"].access_level`},
		{"a key's beginning", whole(key(func(k *v1.ForeignKey) { k.Key.CreateTime = nil })), `keys["k"].create_time`},
		{"a key's end", whole(key(func(k *v1.ForeignKey) { k.Key.ExpireTime = far })), "keys.key.expire_time"},
	} {
		before := s.everything(t)
		_, result, err := s.send(t.Context(), c.messages...)
		code := codes.InvalidArgument
		if strings.HasPrefix(c.want, "SYNC_") {
			code = codes.FailedPrecondition
		}
		got := append(append(fieldsOf(err), reasonsOf(err)...), "")
		if c.want == "" {
			code = codes.ResourceExhausted // gRPC says so by itself
		}
		if status.Code(err) != code || got[0] != c.want {
			t.Errorf("%s: at fault are %v, want %s: %v, %v", c.name, got, c.want, result, err)
		}
		if diff := cmp.Diff(before, s.everything(t)); diff != "" {
			t.Errorf("%s changed something (-before +after):\n%s", c.name, diff)
		}
		for _, secret := range []string{"token", syncKeyText("k")} {
			digest := syncSession(secret, "").GetTokenSha256()
			for _, text := range []string{errorText(err), logged.String()} {
				if strings.Contains(text, fmt.Sprintf("%x", digest)) || strings.Contains(text, string(digest)) {
					t.Errorf("%s: a digest shows in %s", c.name, text)
				}
			}
		}
	}
	if strings.Contains(logged.String(), "level=ERROR") {
		t.Errorf("what a caller did wrong is logged as a fault of ours: %s", &logged)
	}
	if !strings.Contains(logged.String(), "outcome=InvalidArgument") || !strings.Contains(logged.String(), "outcome=FailedPrecondition") {
		t.Errorf("logged %s", &logged)
	}
}

func TestSyncIsForAdministrators(t *testing.T) {
	t.Parallel()
	var told tally
	s := start(t, servertest.Options{Observer: &told})
	gateway := v1.NewCatalogServiceClient(s.Gateway)
	stream, err := gateway.SyncCatalog(t.Context())
	if err == nil {
		_, err = stream.Recv()
	}
	wantCode(t, err, codes.PermissionDenied)
	if diff := cmp.Diff([]string{"SyncCatalog permission_denied"}, told.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	_, err = gateway.GetSyncState(t.Context(), &v1.GetSyncStateRequest{})
	wantCode(t, err, codes.PermissionDenied)
	_, err = gateway.ReportSync(t.Context(), &v1.ReportSyncRequest{Trouble: "none"})
	wantCode(t, err, codes.PermissionDenied)
	_, err = s.catalog.ReportSync(t.Context(), &v1.ReportSyncRequest{Trouble: strings.Repeat("x", 1025)})
	wantCode(t, err, codes.InvalidArgument)
}

// A sync that breaks off before its end changes nothing.
func TestSyncsThatBreakOff(t *testing.T) {
	t.Parallel()
	var told tally
	s := start(t, servertest.Options{Observer: &told})
	s.sync(t, wholeSync(7), syncWorld())
	before := s.everything(t)
	told.take()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.catalog.SyncCatalog(ctx)
	wantCode(t, err, codes.OK)
	for _, m := range []*v1.SyncCatalogRequest{begin(wholeSync(8)), items(&v1.SyncItems{})} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	_, err = stream.Recv()
	wantCode(t, err, codes.Canceled)
	var lines []string
	for len(lines) == 0 {
		runtime.Gosched()
		lines = told.take()
	}
	if diff := cmp.Diff([]string{"SyncCatalog outcome_unknown"}, lines); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, s.everything(t)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// There is room for few at a time. Who is silent is sent away, and then there is room again.
func TestSyncsThatAreSilent(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ends := make(chan error)
	silent := func() {
		stream, err := s.catalog.SyncCatalog(t.Context())
		if err == nil {
			_ = stream.Send(begin(wholeSync(1))) // what becomes of it is what is received
			_, err = stream.Recv()
		}
		ends <- err
	}
	go silent()
	s.sync(t, wholeSync(1), syncWorld()) // one does not mind
	for range 4 {
		go silent()
	}
	told := map[string]int{}
	for range 5 {
		err := <-ends
		wantCode(t, err, codes.Unavailable)
		if got := reasonsOf(err); len(got) != 1 || got[0] != "OVERLOADED" {
			t.Fatalf("the reasons are %v", got)
		}
		told[status.Convert(err).Message()]++
	}
	if told["too many syncs are being sent; try again later"] != 1 || len(told) != 2 {
		t.Errorf("five were told %v", told)
	}
	s.sync(t, wholeSync(2), syncWorld())
}
