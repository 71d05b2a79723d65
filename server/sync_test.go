// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

// maxSync is how many things a sync may hold in tests.
const maxSync = 3000

// What a client sends.

func begin(b *v1.SyncBegin) *v1.SyncCatalogRequest {
	return &v1.SyncCatalogRequest{Part: &v1.SyncCatalogRequest_Begin{Begin: b}}
}

func items(i *v1.SyncItems) *v1.SyncCatalogRequest {
	return &v1.SyncCatalogRequest{Part: &v1.SyncCatalogRequest_Items{Items: i}}
}

func end(count int64) *v1.SyncCatalogRequest {
	return &v1.SyncCatalogRequest{Part: &v1.SyncCatalogRequest_End{End: &v1.SyncEnd{ItemCount: count}}}
}

// countOf returns how many things there are in items.
func countOf(i *v1.SyncItems) int64 {
	return int64(len(i.GetProjects()) + len(i.GetServices()) + len(i.GetDeployments()) + len(i.GetSessions()) + len(i.GetKeys()) + len(i.GetDoubtfulKeyIds()) +
		len(i.GetGoneProjectIds()) + len(i.GetGoneServiceIds()) + len(i.GetGoneDeploymentIds()) + len(i.GetGoneSessionSha256S()) + len(i.GetGoneKeyIds()))
}

// send sends messages, closes the stream, and returns the answers.
func (s *service) send(ctx context.Context, messages ...*v1.SyncCatalogRequest) (progress int, result *v1.SyncResult, err error) {
	stream, err := s.catalog.SyncCatalog(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, m := range messages {
		if stream.Send(m) != nil {
			break // the error is what is received
		}
	}
	_ = stream.CloseSend()
	for {
		answer, err := stream.Recv()
		switch {
		case err == io.EOF:
			return progress, result, nil
		case err != nil:
			return progress, result, err
		case answer.GetProgress() != nil:
			progress++
		default:
			result = answer.GetResult()
		}
	}
}

// sync syncs, and returns the result.
func (s *service) sync(t *testing.T, b *v1.SyncBegin, i *v1.SyncItems) *v1.SyncResult {
	t.Helper()
	_, result, err := s.send(t.Context(), begin(b), items(i), end(countOf(i)))
	wantCode(t, err, codes.OK)
	return result
}

// world is what there is in Aeroplane at first. It has one of each kind.
func syncWorld() *v1.SyncItems {
	return &v1.SyncItems{
		Projects:    []*v1.Project{{Id: "p", Slug: "shop", OwnerId: "ada"}, {Id: "q", Slug: "blog", OwnerId: "ada"}},
		Services:    []*v1.Service{{Id: "s", ProjectId: "p"}},
		Deployments: []*v1.Deployment{{Id: "d", ServiceId: "s"}},
		Sessions:    []*v1.Session{syncSession("token", "ada")},
		Keys:        []*v1.ForeignKey{syncKey("k", "ada")},
	}
}

func syncSession(token, user string) *v1.Session {
	digest := apikey.DigestOf(token)
	return &v1.Session{TokenSha256: digest[:], UserId: user, Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}
}

// syncKeyText is a key as Aeroplane makes them.
func syncKeyText(id string) string { return fmt.Sprintf("ap_%08s_%043s", id, id) }

func syncKey(id, user string) *v1.ForeignKey {
	digest := apikey.DigestOf(syncKeyText(id))
	return &v1.ForeignKey{KeySha256: digest[:], Key: &v1.Key{Id: id, Name: "Key " + id, Prefix: "ap_" + id, UserId: user, AccessLevel: v1.AccessLevel_ACCESS_LEVEL_WRITE,
		Projects: &v1.ProjectScope{All: true}, CreateTime: timestamppb.New(time.Unix(1_700_000_000, 1)),
		ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}}
}

func wholeSync(revision int64) *v1.SyncBegin {
	return &v1.SyncBegin{Revision: revision, Source: "/data/deploy.db", WithSessions: true, WithKeys: true}
}

func afterSync(after, revision int64) *v1.SyncBegin {
	b := wholeSync(revision)
	b.AfterRevision = &after
	return b
}

// passes asks whether a key, or the session "token", may change a project.
func (s *service) passes(t *testing.T, credential, project string) bool {
	t.Helper()
	in := &v1.AuthorizeRequest{Method: "PATCH", Path: "/api/projects/" + project, Credential: &v1.AuthorizeRequest_ApiKey{ApiKey: credential}}
	if !strings.HasPrefix(credential, "ap_") {
		in.Credential = &v1.AuthorizeRequest_SessionToken{SessionToken: credential}
	}
	answer, err := s.authorize.Authorize(t.Context(), in)
	wantCode(t, err, codes.OK)
	return answer.GetAllowed()
}

// everything returns what is kept, in words.
func (s *service) everything(t *testing.T) (all []string) {
	t.Helper()
	ctx := t.Context()
	add := func(m proto.Message) { all = append(all, fmt.Sprint(m)) }
	projects, err := s.catalog.ListProjects(ctx, &v1.ListProjectsRequest{PageSize: 1000})
	wantCode(t, err, codes.OK)
	services, err := s.catalog.ListServices(ctx, &v1.ListServicesRequest{PageSize: 1000})
	wantCode(t, err, codes.OK)
	deployments, err := s.catalog.ListDeployments(ctx, &v1.ListDeploymentsRequest{PageSize: 1000})
	wantCode(t, err, codes.OK)
	keys, err := s.keys.ListKeys(ctx, &v1.ListKeysRequest{States: []v1.KeyState{1, 2, 3}})
	wantCode(t, err, codes.OK)
	events, err := s.audit.ListEvents(ctx, &v1.ListEventsRequest{PageSize: 1000})
	wantCode(t, err, codes.OK)
	state, err := s.catalog.GetSyncState(ctx, &v1.GetSyncStateRequest{})
	wantCode(t, err, codes.OK)
	for _, m := range []proto.Message{projects, services, deployments, keys, events, state} {
		add(m)
	}
	return all
}

func TestSyncCatalog(t *testing.T) {
	t.Parallel()
	var logged servertest.Logbook
	var told tally
	s := start(t, servertest.Options{Log: logged.Logger(), Observer: &told})
	own := s.createKey(t)
	told.take()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "aeroplane-acting-user", "root")
	first := syncWorld()
	_, result, err := s.send(ctx, begin(wholeSync(7)), items(&v1.SyncItems{Projects: first.GetProjects()}), items(&v1.SyncItems{}),
		items(&v1.SyncItems{Services: first.GetServices(), Deployments: first.GetDeployments()}),
		items(&v1.SyncItems{Sessions: first.GetSessions(), Keys: first.GetKeys()}), end(6))
	wantCode(t, err, codes.OK)
	if diff := cmp.Diff([]*v1.SyncCount{{Kind: "projects", NewCount: 2}, {Kind: "services", NewCount: 1}, {Kind: "deployments", NewCount: 1},
		{Kind: "sessions", NewCount: 1}, {Kind: "keys", NewCount: 1}}, result.GetCounts(), protocmp.Transform()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if result.GetReceipt() == nil || result.GetKeysOurs() || len(result.GetChanges()) > 0 {
		t.Errorf("the result is %v", result)
	}
	for _, credential := range []string{syncKeyText("k"), "token"} {
		if !s.passes(t, credential, "p") {
			t.Errorf("%s may not change p", credential)
		}
	}
	if diff := cmp.Diff([]string{"SyncCatalog ok", "decided 0", "decided 0"}, told.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if n := strings.Count(logged.String(), "msg=change method=/aeroplane.authz.v1.CatalogService/SyncCatalog token=test user=root address=127.0.0.1:"); n != 1 ||
		!strings.Contains(logged.String(), "outcome=OK") {
		t.Errorf("logged %d times: %s", n, &logged)
	}
	events, err := s.audit.ListEvents(t.Context(), &v1.ListEventsRequest{UserId: "root"})
	wantCode(t, err, codes.OK)
	var actions []string
	for _, e := range events.GetEvents() {
		actions = append(actions, e.GetAction()+" "+e.GetSubjectId())
		if !strings.HasPrefix(e.GetActor().GetAddress(), "127.0.0.1:") || e.GetActor().GetTokenName() != "test" {
			t.Errorf("the actor is %v", e.GetActor())
		}
	}
	slices.Reverse(actions)
	digest := apikey.DigestOf("token")
	if diff := cmp.Diff([]string{"project.put p", "project.put q", "service.put s", "deployment.put d", "key.import k", fmt.Sprintf("session.put %x", digest),
		"catalog.sync "}, actions); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if keyDigest := apikey.DigestOf(syncKeyText("k")); strings.Contains(fmt.Sprint(events)+logged.String(), fmt.Sprintf("%x", keyDigest)) {
		t.Error("the digest of a key shows")
	}
	if !s.passes(t, own.GetSecret(), "p") {
		t.Error("a key of ours is not what it was")
	}

	// The same again changes nothing, though the times have more digits than can be stored.
	before := len(events.GetEvents())
	result = s.sync(t, wholeSync(7), first)
	for _, c := range result.GetCounts() {
		if c.GetNewCount()+c.GetChangedCount()+c.GetGoneCount() != 0 {
			t.Errorf("the same again: %v", c)
		}
	}
	events, err = s.audit.ListEvents(t.Context(), &v1.ListEventsRequest{})
	wantCode(t, err, codes.OK)
	if n := len(events.GetEvents()) - 1; n != before { // the key of ours
		t.Errorf("%d records before, and %d after", before, n)
	}
}
