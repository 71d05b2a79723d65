// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// ask returns a call of one method with one request. What it answers does not matter here.
func ask[In, Out any](method func(context.Context, In, ...grpc.CallOption) (Out, error), in In) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := method(ctx, in)
		return err
	}
}

// An invalidCase is a request that is refused, and the field at fault.
type invalidCase struct {
	name, field string
	call        func(context.Context) error
}

// Every refusal of input names the field, by its path in the request, and says what is allowed.
func TestInvalidInputNamesTheField(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range slices.Concat(invalidAsks(s), invalidKeys(s), invalidCatalog(s), invalidSessions(s), invalidEvents(s)) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.call(t.Context())
			wantCode(t, err, codes.InvalidArgument)
			if fields := fieldsOf(err); !slices.Contains(fields, c.field) {
				t.Errorf("at fault are %v, want %s", fields, c.field)
			}
			for _, d := range status.Convert(err).Details() {
				if b, ok := d.(*errdetails.BadRequest); ok && b.GetFieldViolations()[0].GetDescription() == "" {
					t.Error("it does not say what is allowed")
				}
			}
		})
	}
}

func invalidAsks(s *service) []invalidCase {
	const most = 64 << 10
	long := strings.Repeat("a", most)
	target := long
	headers := &v1.CredentialHeaders{Cookie: []string{long[:most/2], long[:most/2]}, XApiKey: []string{"k"}}
	call := func(in *v1.AuthorizeRequest) func(context.Context) error { return ask(s.authorize.Authorize, in) }
	return []invalidCase{
		{"path over 64 KiB", "path", call(&v1.AuthorizeRequest{Method: "GET", Path: "/" + long})},
		{"method over 64 KiB", "method", call(&v1.AuthorizeRequest{Method: long, Path: "/"})},
		{"key over 64 KiB", "credential", call(withKey(long))},
		{"session over 64 KiB", "credential", call(&v1.AuthorizeRequest{
			Path: "/", Credential: &v1.AuthorizeRequest_SessionToken{SessionToken: long}})},
		{"headers over 64 KiB together", "credential", call(&v1.AuthorizeRequest{
			Credential: &v1.AuthorizeRequest_Headers{Headers: headers}})},
		{"target over 64 KiB", "target_project_id", call(&v1.AuthorizeRequest{Path: "/", TargetProjectId: &target})},
	}
}

func invalidKeys(s *service) []invalidCase {
	create := func(change func(*v1.CreateKeyRequest)) func(context.Context) error {
		in := newKey()
		change(in)
		return ask(s.keys.CreateKey, in)
	}
	expiresIn := func(d *durationpb.Duration) func(context.Context) error {
		return create(func(in *v1.CreateKeyRequest) { in.Expiry = &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: d} })
	}
	return []invalidCase{
		{"name missing", "name", create(func(in *v1.CreateKeyRequest) { in.Name = " " })},
		{"name too long", "name", create(func(in *v1.CreateKeyRequest) { in.Name = strings.Repeat("é", 81) })},
		{"user", "user_id", create(func(in *v1.CreateKeyRequest) { in.UserId = "a b" })},
		{"access missing", "access_level", create(func(in *v1.CreateKeyRequest) { in.AccessLevel = 0 })},
		{"access unknown", "access_level", create(func(in *v1.CreateKeyRequest) { in.AccessLevel = 3 })},
		{"projects missing", "projects", create(func(in *v1.CreateKeyRequest) { in.Projects = nil })},
		{"projects none", "projects", create(func(in *v1.CreateKeyRequest) { in.Projects = &v1.ProjectScope{} })},
		{"projects all and some", "projects", create(func(in *v1.CreateKeyRequest) { in.Projects.ProjectIds = []string{"p"} })},
		{"project malformed", "projects.project_ids[0]", create(func(in *v1.CreateKeyRequest) {
			in.Projects = &v1.ProjectScope{ProjectIds: []string{"a/b"}}
		})},
		{"project unknown", "projects.project_ids", create(func(in *v1.CreateKeyRequest) {
			in.Projects = &v1.ProjectScope{ProjectIds: []string{"nobody"}}
		})},
		{"expiry missing", "expires_in", create(func(in *v1.CreateKeyRequest) { in.Expiry = nil })},
		{"never said to be false", "expires_in", create(func(in *v1.CreateKeyRequest) {
			in.Expiry = &v1.CreateKeyRequest_NeverExpires{}
		})},
		{"expiry zero", "expires_in", expiresIn(durationpb.New(0))},
		{"expiry negative", "expires_in", expiresIn(durationpb.New(-time.Hour))},
		{"expiry too short", "expires_in", expiresIn(durationpb.New(time.Minute - 1))},
		{"expiry too long", "expires_in", expiresIn(durationpb.New(3650*24*time.Hour + 1))},
		{"expiry of two signs", "expires_in", expiresIn(&durationpb.Duration{Seconds: 100, Nanos: -1})},
		{"expiry beyond Go's durations", "expires_in", expiresIn(&durationpb.Duration{Seconds: 300_000_000_000})},
		{"expiry beyond all durations", "expires_in", expiresIn(&durationpb.Duration{Seconds: 1 << 62})},
		{"request id", "request_id", create(func(in *v1.CreateKeyRequest) { in.RequestId = "a\nb" })},
		{"get nothing", "id", ask(s.keys.GetKey, &v1.GetKeyRequest{})},
		{"revoke nothing", "id", ask(s.keys.RevokeKey, &v1.RevokeKeyRequest{})},
		{"revoke of nobody", "user_id", ask(s.keys.RevokeKeysOfUser, &v1.RevokeKeysOfUserRequest{})},
		{"state not said", "states[1]", ask(s.keys.ListKeys, &v1.ListKeysRequest{States: []v1.KeyState{1, 0}})},
		{"state unknown", "states[0]", ask(s.keys.ListKeys, &v1.ListKeysRequest{States: []v1.KeyState{9}})},
		{"keys of no user id", "user_id", ask(s.keys.ListKeys, &v1.ListKeysRequest{UserId: proto.String("a b")})},
		{"keys of no project id", "project_id", ask(s.keys.ListKeys, &v1.ListKeysRequest{ProjectId: "/x y"})},
		{"keys of an access level unknown", "access_level", ask(s.keys.ListKeys, &v1.ListKeysRequest{AccessLevel: 3})},
		{"keys in no order", "order_by", ask(s.keys.ListKeys, &v1.ListKeysRequest{OrderBy: "name desc"})},
		{"keys that contain too much", "query", ask(s.keys.ListKeys, &v1.ListKeysRequest{Query: strings.Repeat("é", 129)})},
		{"page size", "page_size", ask(s.keys.ListKeys, &v1.ListKeysRequest{PageSize: -1})},
		{"page token", "page_token", ask(s.keys.ListKeys, &v1.ListKeysRequest{PageToken: "' OR 1=1"})},
	}
}

func invalidCatalog(s *service) []invalidCase {
	many, ids := make([]*v1.Project, 501), make([]string, 501)
	for i := range many {
		ids[i] = fmt.Sprint(i)
		many[i] = &v1.Project{Id: ids[i], Slug: ids[i]}
	}
	return []invalidCase{
		{"project missing", "project", ask(s.catalog.PutProject, &v1.PutProjectRequest{})},
		{"project id", "project.id", ask(s.catalog.PutProject, &v1.PutProjectRequest{Project: &v1.Project{Slug: "s"}})},
		{"project slug", "project.slug", ask(s.catalog.PutProject, &v1.PutProjectRequest{Project: &v1.Project{Id: "p"}})},
		{"projects none", "projects", ask(s.catalog.BatchPutProjects, &v1.BatchPutProjectsRequest{})},
		{"projects too many", "projects", ask(s.catalog.BatchPutProjects, &v1.BatchPutProjectsRequest{Projects: many})},
		{"project twice", "projects[1].id", ask(s.catalog.BatchPutProjects, &v1.BatchPutProjectsRequest{
			Projects: []*v1.Project{many[0], many[0]}})},
		{"delete project", "id", ask(s.catalog.DeleteProject, &v1.DeleteProjectRequest{})},
		{"delete projects", "ids", ask(s.catalog.BatchDeleteProjects, &v1.BatchDeleteProjectsRequest{Ids: ids})},
		{"projects of no user id", "owner_id", ask(s.catalog.ListProjects, &v1.ListProjectsRequest{OwnerId: proto.String("a,b")})},
		{"services of no project id", "project_id", ask(s.catalog.ListServices, &v1.ListServicesRequest{ProjectId: "a b/c"})},
		{"deployments of no service id", "service_id", ask(s.catalog.ListDeployments, &v1.ListDeploymentsRequest{ServiceId: ".."})},
		{"projects in no order", "order_by", ask(s.catalog.ListProjects, &v1.ListProjectsRequest{OrderBy: "slug"})},
		{"projects that contain no text", "query", ask(s.catalog.ListProjects, &v1.ListProjectsRequest{Query: "a\x00b"})},
		{"projects by no id", "ids[1]", ask(s.catalog.ListProjects, &v1.ListProjectsRequest{Ids: []string{"p", "/"}})},
		{"list projects", "page_token", ask(s.catalog.ListProjects, &v1.ListProjectsRequest{PageToken: "x"})},

		{"service missing", "service", ask(s.catalog.PutService, &v1.PutServiceRequest{})},
		{"service project", "service.project_id", ask(s.catalog.PutService, &v1.PutServiceRequest{
			Service: &v1.Service{Id: "s"}})},
		{"services none", "services", ask(s.catalog.BatchPutServices, &v1.BatchPutServicesRequest{})},
		{"delete service", "id", ask(s.catalog.DeleteService, &v1.DeleteServiceRequest{Id: "/"})},
		{"delete services", "ids", ask(s.catalog.BatchDeleteServices, &v1.BatchDeleteServicesRequest{})},
		{"list services", "page_size", ask(s.catalog.ListServices, &v1.ListServicesRequest{PageSize: -1})},

		{"deployment missing", "deployment", ask(s.catalog.PutDeployment, &v1.PutDeploymentRequest{})},
		{"deployment service", "deployment.service_id", ask(s.catalog.PutDeployment, &v1.PutDeploymentRequest{
			Deployment: &v1.Deployment{Id: "d"}})},
		{"deployments none", "deployments", ask(s.catalog.BatchPutDeployments, &v1.BatchPutDeploymentsRequest{})},
		{"delete deployment", "id", ask(s.catalog.DeleteDeployment, &v1.DeleteDeploymentRequest{})},
		{"delete deployments", "ids[1]", ask(s.catalog.BatchDeleteDeployments, &v1.BatchDeleteDeploymentsRequest{
			Ids: []string{"d", ""}})},
		{"list deployments", "page_size", ask(s.catalog.ListDeployments, &v1.ListDeploymentsRequest{PageSize: -1})},
	}
}

func invalidSessions(s *service) []invalidCase {
	put := func(change func(*v1.Session)) func(context.Context) error {
		session := &v1.Session{
			TokenSha256: make([]byte, 32), Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.Now(),
		}
		change(session)
		return ask(s.sessions.PutSession, &v1.PutSessionRequest{Session: session})
	}
	return []invalidCase{
		{"session missing", "session", ask(s.sessions.PutSession, &v1.PutSessionRequest{})},
		{"hash too short", "session.token_sha256", put(func(s *v1.Session) { s.TokenSha256 = make([]byte, 31) })},
		{"hash too long", "session.token_sha256", put(func(s *v1.Session) { s.TokenSha256 = make([]byte, 33) })},
		{"session user", "session.user_id", put(func(s *v1.Session) { s.UserId = "a b" })},
		{"role missing", "session.role", put(func(s *v1.Session) { s.Role = 0 })},
		{"role unknown", "session.role", put(func(s *v1.Session) { s.Role = 7 })},
		{"no expiry", "session.expire_time", put(func(s *v1.Session) { s.ExpireTime = nil })},
		{"impossible expiry", "session.expire_time", put(func(s *v1.Session) { s.ExpireTime.Nanos = -1 })},
		{"revoke no session", "token_sha256", ask(s.sessions.RevokeSession, &v1.RevokeSessionRequest{})},
		{"revoke sessions of nobody", "user_id", ask(s.sessions.RevokeSessionsOfUser, &v1.RevokeSessionsOfUserRequest{})},
	}
}

func invalidEvents(s *service) []invalidCase {
	return []invalidCase{
		{"action", "action", ask(s.audit.ListEvents, &v1.ListEventsRequest{Action: "key.steal"})},
		{"events of no subject", "subject_id", ask(s.audit.ListEvents, &v1.ListEventsRequest{SubjectId: "a\x00"})},
		{"events of no token name", "token_name", ask(s.audit.ListEvents, &v1.ListEventsRequest{TokenName: "a\nb"})},
		{"events for no user id", "user_id", ask(s.audit.ListEvents, &v1.ListEventsRequest{UserId: "x y"})},
		{"start", "start_time", ask(s.audit.ListEvents, &v1.ListEventsRequest{StartTime: &timestamppb.Timestamp{Nanos: -1}})},
		{"end before all", "end_time", ask(s.audit.ListEvents, &v1.ListEventsRequest{
			EndTime: &timestamppb.Timestamp{Seconds: -62135596800}})},
		{"end before start", "end_time", ask(s.audit.ListEvents, &v1.ListEventsRequest{
			StartTime: &timestamppb.Timestamp{Seconds: 2}, EndTime: &timestamppb.Timestamp{Seconds: 1}})},
		{"events page token", "page_token", ask(s.audit.ListEvents, &v1.ListEventsRequest{PageToken: "x"})},
	}
}

// Up to the limit there is a decision on whatever a client could have sent.
func TestAuthorizeDecidesUpToTheLimit(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	const most = 64 << 10
	for _, in := range []*v1.AuthorizeRequest{
		{},
		{Method: "G\x00T", Path: "\x7f"},
		{Method: "GET", Path: strings.Repeat("/", most-3)},
		{Method: "GET", Path: "/api/projects", Credential: &v1.AuthorizeRequest_ApiKey{
			ApiKey: strings.Repeat("k", most-len("GET/api/projects"))}},
		{Method: "GET", Path: "/api/projects", Credential: &v1.AuthorizeRequest_Headers{}},
	} {
		answer, err := s.authorize.Authorize(t.Context(), in)
		if err != nil || answer.GetAllowed() || answer.GetDenial().GetHttpStatus() < 400 || answer.GetGrant() != nil {
			t.Errorf("got %v, %v", answer, err)
		}
	}
	_, err := s.authorize.Authorize(t.Context(), withKey(strings.Repeat("k", 5<<20)))
	wantCode(t, err, codes.ResourceExhausted) // by gRPC itself
}
