// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// agreed are calls that follow each other, every one of the contract among them.
func agreed(until time.Time) []proto.Message {
	digest := sha256.Sum256([]byte("a session"))
	session := &v1.Session{TokenSha256: digest[:], UserId: "ada", Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(until)}
	project := func(id string) *v1.Project {
		return &v1.Project{Id: id, Slug: "of-" + id, Name: "Ä <" + id + ">", OwnerId: "ada"}
	}
	question := &v1.AuthorizeRequest{Method: "GET", Path: "/api/projects?a=%20", Credential: &v1.AuthorizeRequest_Headers{Headers: &v1.CredentialHeaders{XApiKey: []string{theKey}}}}
	return []proto.Message{
		&v1.PutProjectRequest{Project: project("p1")}, &v1.BatchPutProjectsRequest{Projects: []*v1.Project{project("p2"), project("p3")}},
		&v1.ListProjectsRequest{PageSize: 2, OwnerId: proto.String("ada")}, &v1.ListProjectsRequest{OwnerId: proto.String("")},
		&v1.PutServiceRequest{Service: &v1.Service{Id: "s1", ProjectId: "p1"}}, &v1.BatchPutServicesRequest{Services: []*v1.Service{{Id: "s2", ProjectId: "p2"}}},
		&v1.ListServicesRequest{ProjectId: "p1"},
		&v1.PutDeploymentRequest{Deployment: &v1.Deployment{Id: "d1", ServiceId: "s1"}}, &v1.BatchPutDeploymentsRequest{Deployments: []*v1.Deployment{{Id: "d2", ServiceId: "s2"}}},
		&v1.ListDeploymentsRequest{ServiceId: "s2"},
		&v1.PutSessionRequest{Session: session},
		&v1.CreateKeyRequest{Name: "Ä <1>", UserId: "ada", AccessLevel: v1.AccessLevel_ACCESS_LEVEL_READ, Projects: &v1.ProjectScope{ProjectIds: []string{"p2", "p1"}},
			Expiry: &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(90 * time.Minute)}, RequestId: "r", Wait: true},
		&v1.GetKeyRequest{Id: theKeyID}, &v1.ListKeysRequest{PageSize: 1, UserId: proto.String("ada"), ProjectId: "p1", States: []v1.KeyState{v1.KeyState_KEY_STATE_LIVE, v1.KeyState_KEY_STATE_EXPIRED}},
		question, &v1.BatchAuthorizeRequest{Requests: []*v1.AuthorizeRequest{question, {Method: "GET", Path: "/api/projects"}, {Method: strings.Repeat("x", 70_000)}}},
		&v1.ExplainAuthorizeRequest{Method: "POST", Path: "/api/projects/p1/services"}, &v1.ExplainAuthorizeRequest{Method: "get", Path: "/api/x", TargetProjectId: proto.String("")},
		&v1.RevokeKeyRequest{Id: theKeyID}, &v1.RevokeKeyRequest{Id: theKeyID}, &v1.RevokeKeysOfUserRequest{UserId: "ada"},
		&v1.RevokeSessionRequest{TokenSha256: digest[:]}, &v1.RevokeSessionsOfUserRequest{UserId: "ada"},
		&v1.DeleteDeploymentRequest{Id: "d1"}, &v1.BatchDeleteDeploymentsRequest{Ids: []string{"d1", "d2"}},
		&v1.DeleteServiceRequest{Id: "s1"}, &v1.BatchDeleteServicesRequest{Ids: []string{"s2"}},
		&v1.DeleteProjectRequest{Id: "p1"}, &v1.BatchDeleteProjectsRequest{Ids: []string{"p2", "none"}},
		&v1.ReportSyncRequest{}, &v1.GetSyncStateRequest{}, &v1.CreateConsoleLinkRequest{},
		&v1.ListEventsRequest{PageSize: 7, Action: "key.create", UserId: "", StartTime: timestamppb.New(until.Add(-2 * time.Hour)), EndTime: timestamppb.New(until)}, &v1.ListEventsRequest{},
	}
}

// What stands for the key that was made, and for its id.
const theKey, theKeyID = "THE-KEY", "THE-ID"

// What is asked over gRPC and in JSON is answered the same, of services to which the same has happened.
func TestRESTAgreesWithGRPC(t *testing.T) {
	t.Parallel()
	byGRPC, byREST := start(t, servertest.Options{}), start(t, servertest.Options{})
	calls, _ := contract(t)
	of := make(map[protoreflect.FullName]restCall)
	for _, c := range calls {
		of[c.rpc.Input().FullName()] = c
	}
	made := make(map[*service]*v1.CreateKeyResponse)
	fill := func(s *service, in proto.Message) proto.Message {
		text := strings.NewReplacer(theKeyID, made[s].GetKey().GetId(), theKey, made[s].GetSecret()).Replace(string(must(protojson.Marshal(in))))
		filled := in.ProtoReflect().New().Interface()
		if err := protojson.Unmarshal([]byte(text), filled); err != nil {
			t.Fatal(err)
		}
		return filled
	}
	asked := make(map[string]bool)
	for _, in := range agreed(time.Now().Add(time.Hour).UTC().Truncate(time.Second)) {
		c := of[in.ProtoReflect().Descriptor().FullName()]
		asked[c.name()] = true
		kind := must(protoregistry.GlobalTypes.FindMessageByName(c.rpc.Output().FullName()))
		want, got := kind.New().Interface(), kind.New().Interface()
		if err := byGRPC.Admin.Invoke(t.Context(), c.fullName(), fill(byGRPC, in), want); err != nil {
			t.Fatal(err)
		}
		target, body := inREST(t, c, fill(byREST, in))
		status, answer := byREST.byAdmin(t, c.method, target, body)
		if err := protojson.Unmarshal([]byte(answer), got); err != nil || status != http.StatusOK {
			t.Fatalf("%s %s: %d, %v", c.method, target, status, err)
		}
		for s, out := range map[*service]proto.Message{byGRPC: want, byREST: got} {
			if key, ok := out.(*v1.CreateKeyResponse); ok {
				made[s] = proto.CloneOf(key)
			}
			likeOthers(out.ProtoReflect())
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s %s (-gRPC +REST):\n%s", c.method, target, diff)
		}
	}
	for _, c := range calls {
		if !asked[c.name()] {
			t.Errorf("%s was not asked", c.name())
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// inREST writes a request as the contract has it in JSON.
func inREST(t *testing.T, c restCall, in proto.Message) (target, body string) {
	t.Helper()
	fields := make(map[string]any)
	if err := json.Unmarshal(must(protojson.Marshal(in)), &fields); err != nil {
		t.Fatal(err)
	}
	whole := fields
	if c.body != "" && c.body != "*" {
		fields = fields[c.body].(map[string]any)
	}
	target = "/authz" + c.path
	if variable := pathVariable.FindString(c.path); variable != "" {
		target = c.target(url.PathEscape(fields["id"].(string)))
		delete(fields, "id")
	}
	switch {
	case c.body != "":
		return target, string(must(json.Marshal(fields)))
	case len(fields) == 0:
		return target, ""
	}
	query := make(url.Values)
	for name, value := range whole {
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		for _, v := range values {
			query.Add(name, fmt.Sprint(v))
		}
	}
	return target + "?" + query.Encode(), ""
}

// likeOthers replaces what differs from service to service: ids that are drawn, times, and places in the history. That they are there stays.
func likeOthers(m protoreflect.Message) {
	switch m.Interface().(type) {
	case *timestamppb.Timestamp, *durationpb.Duration:
		m.Clear(m.Descriptor().Fields().ByName("nanos"))
		m.Clear(m.Descriptor().Fields().ByName("seconds"))
		return
	}
	drawn := map[protoreflect.FullName]bool{"aeroplane.authz.v1.Key.id": true, "aeroplane.authz.v1.KeyPrincipal.id": true}
	for _, name := range []protoreflect.Name{"prefix", "secret", "revision", "url", "address", "subject_id", "next_page_token"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil && f.Kind() == protoreflect.StringKind {
			drawn[f.FullName()] = true
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case drawn[f.FullName()]:
			m.Set(f, protoreflect.ValueOfString("x"))
		case f.IsMap():
			v.Map().Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
				v.Map().Set(key, protoreflect.ValueOfString("x"))
				return true
			})
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				likeOthers(v.List().Get(i).Message())
			}
		case f.Message() != nil && !f.IsList():
			likeOthers(v.Message())
		}
		return true
	})
}
