// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

func TestTheSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	var logged servertest.Logbook
	s := start(t, servertest.Options{Log: logged.Logger()})
	in := newKey()
	in.RequestId = "retry-1"
	first, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, codes.OK)
	again, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, codes.OK)
	if first.GetSecret() == "" || first.GetReplayed() || again.GetSecret() != "" || !again.GetReplayed() ||
		first.GetKey().GetId() != again.GetKey().GetId() {
		t.Errorf("first %v\nagain %v", first.GetKey(), again)
	}
	in.Name = "other"
	_, err = s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, codes.FailedPrecondition)

	got, err := s.keys.GetKey(t.Context(), &v1.GetKeyRequest{Id: first.GetKey().GetId()})
	wantCode(t, err, codes.OK)
	list, err := s.keys.ListKeys(t.Context(), &v1.ListKeysRequest{})
	wantCode(t, err, codes.OK)
	events, err := s.audit.ListEvents(t.Context(), &v1.ListEventsRequest{})
	wantCode(t, err, codes.OK)
	secret := first.GetSecret()[len(first.GetKey().GetPrefix()):]
	for _, m := range []fmt.Stringer{got, list, events, &logged} {
		if strings.Contains(m.String(), secret) {
			t.Errorf("the secret shows in %v", m)
		}
	}
}

func TestALifeOfAKey(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	began := time.Now()
	s := start(t, servertest.Options{Now: func() time.Time { return began.Add(time.Duration(ahead.Load())) }})
	in := newKey()
	in.Expiry = &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(time.Hour)}
	expiring, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, codes.OK)
	revoked := s.createKey(t)
	expectAllowed := func(key string, want bool) {
		t.Helper()
		answer, err := s.authorize.Authorize(t.Context(), withKey(key))
		if err != nil || answer.GetAllowed() != want {
			t.Errorf("got %v, %v, want allowed %t", answer, err, want)
		}
	}
	expectAllowed(expiring.GetSecret(), true)
	expectAllowed(revoked.GetSecret(), true)

	s.Uses.Flush(t.Context())
	used, err := s.keys.GetKey(t.Context(), &v1.GetKeyRequest{Id: revoked.GetKey().GetId()})
	if err != nil || used.GetKey().GetLastUseTime() == nil || used.GetKey().GetState() != v1.KeyState_KEY_STATE_LIVE {
		t.Errorf("after its use: %v, %v", used, err)
	}

	for _, already := range []bool{false, true} {
		got, err := s.keys.RevokeKey(t.Context(), &v1.RevokeKeyRequest{Id: revoked.GetKey().GetId()})
		if err != nil || got.GetAlreadyRevoked() != already || got.GetKey().GetState() != v1.KeyState_KEY_STATE_REVOKED {
			t.Errorf("revoked before: %t: %v, %v", already, got, err)
		}
	}
	expectAllowed(revoked.GetSecret(), false)
	ahead.Store(int64(time.Hour))
	expectAllowed(expiring.GetSecret(), false)

	for state, want := range map[v1.KeyState]*v1.CreateKeyResponse{
		v1.KeyState_KEY_STATE_EXPIRED: expiring, v1.KeyState_KEY_STATE_REVOKED: revoked,
	} {
		got, err := s.keys.ListKeys(t.Context(), &v1.ListKeysRequest{States: []v1.KeyState{state}})
		if err != nil || len(got.GetKeys()) != 1 || got.GetKeys()[0].GetId() != want.GetKey().GetId() {
			t.Errorf("%s: %v, %v", state, got, err)
		}
	}
	_, err = s.keys.RevokeKey(t.Context(), &v1.RevokeKeyRequest{Id: "neverKnown"})
	wantCode(t, err, codes.NotFound)
}

func TestRevokeKeysOfUser(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, user := range []string{"u", "u", "v"} {
		in := newKey()
		in.UserId = user
		_, err := s.keys.CreateKey(t.Context(), in)
		wantCode(t, err, codes.OK)
	}
	got, err := s.keys.RevokeKeysOfUser(t.Context(), &v1.RevokeKeysOfUserRequest{UserId: "u"})
	if err != nil || got.GetRevokedCount() != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	left, err := s.keys.ListKeys(t.Context(), &v1.ListKeysRequest{})
	if err != nil || len(left.GetKeys()) != 1 || left.GetKeys()[0].GetUserId() != "v" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	const keys = 5
	for range keys {
		s.createKey(t)
	}
	var seen []string
	list := &v1.ListKeysRequest{PageSize: 2}
	for pages := 1; ; pages++ {
		page, err := s.keys.ListKeys(t.Context(), list)
		wantCode(t, err, codes.OK)
		for _, k := range page.GetKeys() {
			if slices.Contains(seen, k.GetId()) {
				t.Errorf("%s comes twice", k.GetId())
			}
			seen = append(seen, k.GetId())
		}
		if list.PageToken = page.GetNextPageToken(); list.PageToken == "" {
			if pages != 3 || len(seen) != keys {
				t.Errorf("%d keys on %d pages", len(seen), pages)
			}
			return
		}
		if pages > keys {
			t.Fatal("no end")
		}
		// The token is good for this list and filter alone.
		_, err = s.keys.ListKeys(t.Context(), &v1.ListKeysRequest{PageToken: list.PageToken, ProjectId: "p"})
		wantCode(t, err, codes.InvalidArgument)
		_, err = s.audit.ListEvents(t.Context(), &v1.ListEventsRequest{PageToken: list.PageToken})
		wantCode(t, err, codes.InvalidArgument)
	}
}

func TestTheCatalog(t *testing.T) {
	t.Parallel()
	s, ctx := start(t, servertest.Options{}), t.Context()
	project := &v1.Project{Id: "p", Slug: "shop", Name: "Shop", OwnerId: "u"}
	service := &v1.Service{Id: "s", ProjectId: "p"}
	deployment := &v1.Deployment{Id: "d", ServiceId: "s"}

	put, err := s.catalog.PutProject(ctx, &v1.PutProjectRequest{Project: project})
	if err != nil || !proto.Equal(put.GetProject(), project) {
		t.Errorf("put project: %v, %v", put, err)
	}
	putS, err := s.catalog.PutService(ctx, &v1.PutServiceRequest{Service: service})
	if err != nil || !proto.Equal(putS.GetService(), service) {
		t.Errorf("put service: %v, %v", putS, err)
	}
	putD, err := s.catalog.PutDeployment(ctx, &v1.PutDeploymentRequest{Deployment: deployment})
	if err != nil || !proto.Equal(putD.GetDeployment(), deployment) {
		t.Errorf("put deployment: %v, %v", putD, err)
	}

	_, err = s.catalog.PutProject(ctx, &v1.PutProjectRequest{Project: &v1.Project{Id: "q", Slug: "shop", OwnerId: "u"}})
	wantCode(t, err, codes.AlreadyExists)
	batch, err := s.catalog.BatchPutProjects(ctx, &v1.BatchPutProjectsRequest{
		Projects: []*v1.Project{project, {Id: "q", Slug: "shop"}},
	})
	if err != nil || batch.GetChangedCount() != 1 {
		t.Errorf("batch of projects: %v, %v", batch, err)
	}
	batchS, err := s.catalog.BatchPutServices(ctx, &v1.BatchPutServicesRequest{Services: []*v1.Service{service}})
	if err != nil || batchS.GetChangedCount() != 0 {
		t.Errorf("batch of services: %v, %v", batchS, err)
	}
	batchD, err := s.catalog.BatchPutDeployments(ctx, &v1.BatchPutDeploymentsRequest{
		Deployments: []*v1.Deployment{{Id: "d", ServiceId: "t"}, {Id: "e", ServiceId: "s"}},
	})
	if err != nil || batchD.GetChangedCount() != 2 {
		t.Errorf("batch of deployments: %v, %v", batchD, err)
	}

	nobody := ""
	projects, err := s.catalog.ListProjects(ctx, &v1.ListProjectsRequest{OwnerId: &nobody})
	if err != nil || len(projects.GetProjects()) != 1 || projects.GetProjects()[0].GetId() != "q" {
		t.Errorf("projects of nobody: %v, %v", projects, err)
	}
	services, err := s.catalog.ListServices(ctx, &v1.ListServicesRequest{ProjectId: "p"})
	if err != nil || len(services.GetServices()) != 1 || !proto.Equal(services.GetServices()[0], service) {
		t.Errorf("services: %v, %v", services, err)
	}
	deployments, err := s.catalog.ListDeployments(ctx, &v1.ListDeploymentsRequest{ServiceId: "s"})
	if err != nil || len(deployments.GetDeployments()) != 1 || deployments.GetDeployments()[0].GetId() != "e" {
		t.Errorf("deployments: %v, %v", deployments, err)
	}
	deleteAll(t, s)
}

// deleteAll deletes what TestTheCatalog put, and finds that it is gone.
func deleteAll(t *testing.T, s *service) {
	ctx := t.Context()
	for _, there := range []bool{true, false} {
		p, errP := s.catalog.DeleteProject(ctx, &v1.DeleteProjectRequest{Id: "p"})
		v, errV := s.catalog.DeleteService(ctx, &v1.DeleteServiceRequest{Id: "s"})
		d, errD := s.catalog.DeleteDeployment(ctx, &v1.DeleteDeploymentRequest{Id: "d"})
		if errP != nil || errV != nil || errD != nil ||
			p.GetDeleted() != there || v.GetDeleted() != there || d.GetDeleted() != there {
			t.Errorf("there %t: deleted %v %v %v, %v %v %v", there, p, v, d, errP, errV, errD)
		}
	}
	ids := []string{"p", "q", "s", "d", "e"}
	p, errP := s.catalog.BatchDeleteProjects(ctx, &v1.BatchDeleteProjectsRequest{Ids: ids})
	v, errV := s.catalog.BatchDeleteServices(ctx, &v1.BatchDeleteServicesRequest{Ids: ids})
	d, errD := s.catalog.BatchDeleteDeployments(ctx, &v1.BatchDeleteDeploymentsRequest{Ids: ids})
	if errP != nil || errV != nil || errD != nil ||
		p.GetDeletedCount() != 1 || v.GetDeletedCount() != 0 || d.GetDeletedCount() != 1 {
		t.Errorf("deleted %v %v %v, %v %v %v", p, v, d, errP, errV, errD)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s, ctx := start(t, servertest.Options{}), t.Context()
	put := func(token, user string) []byte {
		t.Helper()
		digest := apikey.DigestOf(token)
		in := &v1.Session{
			TokenSha256: digest[:], UserId: user, Role: v1.UserRole_USER_ROLE_OWNER,
			ExpireTime: timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Second)),
		}
		got, err := s.sessions.PutSession(ctx, &v1.PutSessionRequest{Session: in})
		if err != nil || !proto.Equal(got.GetSession(), in) {
			t.Fatalf("got %v, %v", got, err)
		}
		return digest[:]
	}
	one := put("one", "u")
	put("two", "v")
	expect := func(token string, want bool) {
		t.Helper()
		answer, err := s.authorize.Authorize(ctx, &v1.AuthorizeRequest{
			Method: "GET", Path: "/api/projects", Credential: &v1.AuthorizeRequest_SessionToken{SessionToken: token},
		})
		if err != nil || answer.GetAllowed() != want {
			t.Errorf("%s: got %v, %v", token, answer, err)
		}
	}
	expect("one", true)
	for _, already := range []bool{false, true} {
		got, err := s.sessions.RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: one})
		if err != nil || got.GetAlreadyRevoked() != already {
			t.Errorf("revoked before: %t: %v, %v", already, got, err)
		}
	}
	expect("one", false)
	expect("two", true)
	got, err := s.sessions.RevokeSessionsOfUser(ctx, &v1.RevokeSessionsOfUserRequest{UserId: "v"})
	if err != nil || got.GetRevokedCount() != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	expect("two", false)
	_, err = s.sessions.RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: make([]byte, 32)})
	wantCode(t, err, codes.NotFound)
}
