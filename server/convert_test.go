// SPDX-License-Identifier: Apache-2.0

package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

// bothWays checks that an enumeration of the contract and one of the domain say the same, each value of either.
func bothWays[D ~uint8, P interface {
	~int32
	protoreflect.Enum
}](t *testing.T, e enumeration[D, P]) {
	t.Helper()
	var zero P
	values := zero.Descriptor().Values()
	if values.Len() != len(e) {
		t.Errorf("%s has %d values, the table %d", zero.Descriptor().Name(), values.Len(), len(e))
	}
	for i := range values.Len() {
		p := P(values.Get(i).Number())
		if d := e.domain(p); e.proto(d) != p || (d == 0) != (p == 0) {
			t.Errorf("%s: %d becomes %d, and that %d", values.Get(i).Name(), p, d, e.proto(d))
		}
	}
	for _, strange := range []P{-1, 100} {
		if d := e.domain(strange); d != 0 {
			t.Errorf("the unknown value %d becomes %d", strange, d)
		}
	}
	if p := e.proto(250); p != 0 {
		t.Errorf("the unknown domain value becomes %d", p)
	}
}

func TestEnumerationsBothWays(t *testing.T) {
	t.Parallel()
	bothWays(t, accessLevels)
	bothWays(t, userRoles)
	bothWays(t, keyStates)
	bothWays(t, callerRoles)
	bothWays(t, denials)
	bothWays(t, checkNames)
	bothWays(t, checkOutcomes)
}

func TestTimesBothWays(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), noon} {
		back, err := timeFromProto("f", timeToProto(at))
		if err != nil || !back.Equal(at) || back.IsZero() != at.IsZero() {
			t.Errorf("%v becomes %v, %v", at, back, err)
		}
	}
	for _, bad := range []*timestamppb.Timestamp{
		{Seconds: -1}, {Seconds: -62135596800}, {Nanos: 1e9}, {Nanos: -1}, {Seconds: 1 << 50},
	} {
		if at, err := timeFromProto("f", bad); authz.KindOf(err) != authz.Invalid || !at.IsZero() {
			t.Errorf("%v becomes %v, %v", bad, at, err)
		}
	}
}

func TestCatalogBothWays(t *testing.T) {
	t.Parallel()
	p := authz.Project{ID: "p", Slug: "slug", Name: "name", OwnerID: "o"}
	if diff := cmp.Diff(p, projectFromProto(projectToProto(p))); diff != "" {
		t.Error(diff)
	}
	s := authz.Service{ID: "s", ProjectID: "p"}
	if diff := cmp.Diff(s, serviceFromProto(serviceToProto(s))); diff != "" {
		t.Error(diff)
	}
	d := authz.Deployment{ID: "d", ServiceID: "s"}
	if diff := cmp.Diff(d, deploymentFromProto(deploymentToProto(d))); diff != "" {
		t.Error(diff)
	}
	for _, scope := range []authz.ProjectScope{{All: true}, {IDs: []string{"a", "b"}}} {
		if diff := cmp.Diff(scope, scopeFromProto(scopeToProto(scope))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSessionBothWays(t *testing.T) {
	t.Parallel()
	want := authz.Session{Digest: authz.Digest{1, 31: 2}, UserID: "u", Role: authz.UserRoleUser, ExpiresAt: noon}
	got, err := sessionFromProto(sessionToProto(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKeyToProto(t *testing.T) {
	t.Parallel()
	key := authz.Key{
		ID: "id", Name: "name", Prefix: "ap_id", UserID: "u", Access: authz.Write,
		Projects: authz.ProjectScope{IDs: []string{"p"}}, CreatedAt: noon,
	}
	want := &authzv1.Key{
		Id: "id", Name: "name", Prefix: "ap_id", UserId: "u", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE,
		Projects: &authzv1.ProjectScope{ProjectIds: []string{"p"}}, CreateTime: timestamppb.New(noon),
		State: authzv1.KeyState_KEY_STATE_LIVE,
	}
	equal(t, want, keyToProto(key, noon)) // the three times which are absent stay so

	key.ExpiresAt, key.RevokedAt, key.LastUsedAt = noon.Add(3), noon.Add(1), noon.Add(2)
	want.ExpireTime, want.RevokeTime = timestamppb.New(noon.Add(3)), timestamppb.New(noon.Add(1))
	want.LastUseTime, want.State = timestamppb.New(noon.Add(2)), authzv1.KeyState_KEY_STATE_REVOKED
	equal(t, want, keyToProto(key, noon))

	key.RevokedAt = time.Time{}
	if got := keyToProto(key, noon.Add(3)).GetState(); got != authzv1.KeyState_KEY_STATE_EXPIRED {
		t.Errorf("at the instant of expiry the state is %s", got)
	}
}

func TestKeyRequestFromProto(t *testing.T) {
	t.Parallel()
	in := &authzv1.CreateKeyRequest{
		Name: "n", UserId: "u", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ,
		Projects:  &authzv1.ProjectScope{ProjectIds: []string{"b", "a"}},
		Expiry:    &authzv1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(time.Hour)},
		RequestId: "r",
	}
	want := authz.KeyRequest{
		Name: "n", UserID: "u", Access: authz.Read, Projects: authz.ProjectScope{IDs: []string{"b", "a"}},
		Life: time.Hour, RequestID: "r",
	}
	got, err := keyRequestFromProto(in)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	in.Expiry = &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true}
	if got, err = keyRequestFromProto(in); err != nil || got.Life != 0 || !got.Forever {
		t.Errorf("never expires: %+v, %v", got, err)
	}
}

func TestKeyFilterDoesNotDependOnTheOrderOfStates(t *testing.T) {
	t.Parallel()
	got, err := keyFilterFromProto(&authzv1.ListKeysRequest{States: []authzv1.KeyState{
		authzv1.KeyState_KEY_STATE_REVOKED, authzv1.KeyState_KEY_STATE_LIVE, authzv1.KeyState_KEY_STATE_REVOKED,
	}})
	if diff := cmp.Diff([]authz.KeyState{authz.Live, authz.Revoked}, got.States); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got.UserID != nil {
		t.Error("a user that was not named is", *got.UserID)
	}
}

func TestKeyFilterFromProto(t *testing.T) {
	t.Parallel()
	user := "u"
	got, err := keyFilterFromProto(&authzv1.ListKeysRequest{
		UserId: &user, ProjectId: "p", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE, Query: " q", OrderBy: "name",
	})
	want := authz.KeyFilter{UserID: &user, ProjectID: "p", Access: authz.Write, Query: " q", Order: authz.ByName}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestRequestFromProto(t *testing.T) {
	t.Parallel()
	none := ""
	base := authz.Request{Method: "GET", Target: "/api?q"}
	with := func(c authz.Credential) authz.Request { r := base; r.Credential = c; return r }
	transfer := base
	transfer.TransferTo = &none
	for _, c := range []struct {
		name string
		in   *authzv1.AuthorizeRequest
		want authz.Request
	}{
		{"no credential", &authzv1.AuthorizeRequest{}, base},
		{"key", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_ApiKey{ApiKey: "k"}},
			with(authz.KeyText("k"))},
		{"empty key", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_ApiKey{}}, base},
		{"empty session", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_SessionToken{}},
			with(authz.SessionToken(""))},
		{"headers", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_Headers{
			Headers: &authzv1.CredentialHeaders{Cookie: []string{"a=b; aeroplane_session=s"}}}},
			with(authz.SessionToken("s"))},
		{"key headers", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_Headers{
			Headers: &authzv1.CredentialHeaders{Authorization: []string{"Bearer k"}, XApiKey: []string{"other"}}}},
			with(authz.Credential{Kind: authz.ContradictoryCredential})},
		{"no headers", &authzv1.AuthorizeRequest{Credential: &authzv1.AuthorizeRequest_Headers{}}, base},
		{"empty target", &authzv1.AuthorizeRequest{TargetProjectId: &none}, transfer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.in.Method, c.in.Path = base.Method, base.Target
			got, want := new(question), &question{request: c.want}
			if got.from(c.in); got.spelled() != want.spelled() {
				t.Errorf("got %s, want %s", got.spelled(), want.spelled())
			}
		})
	}
}

func TestEventToProto(t *testing.T) {
	t.Parallel()
	equal(t, &authzv1.Event{
		Id: 7, Time: timestamppb.New(noon), Action: "key.create", SubjectId: "k", Details: map[string]string{"name": "n"},
		Actor: &authzv1.Actor{
			Role: authzv1.CallerRole_CALLER_ROLE_ADMIN, TokenName: "t", UserId: "u", Address: "127.0.0.1:1",
		},
	}, eventToProto(authz.Event{
		ID: 7, At: noon, Action: authz.KeyCreate, SubjectID: "k", Details: map[string]string{"name": "n"},
		Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "t", UserID: "u", Address: "127.0.0.1:1"},
	}))
}

func TestEventFilterFromProto(t *testing.T) {
	t.Parallel()
	got, err := eventFilterFromProto(&authzv1.ListEventsRequest{
		Action: "key.create", SubjectId: "s", TokenName: "t", UserId: "u",
		StartTime: timestamppb.New(noon), EndTime: timestamppb.New(noon.Add(1)),
	})
	want := authz.EventFilter{
		Action: authz.KeyCreate, SubjectID: "s", TokenName: "t", UserID: "u", Since: noon, Until: noon.Add(1),
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err = eventFilterFromProto(&authzv1.ListEventsRequest{}); err != nil || got != (authz.EventFilter{}) {
		t.Errorf("nothing becomes %+v, %v", got, err)
	}
}

func equal(t *testing.T, want, got proto.Message) {
	t.Helper()
	if !proto.Equal(want, got) {
		t.Errorf("want %v\n got %v", want, got)
	}
}
