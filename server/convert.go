// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// An enumeration lists the contract's value for each of the domain's, in both of which zero means not said. What one
// side does not know is zero on the other, and the domain's rules refuse it.
type enumeration[D ~uint8, P ~int32] []P

func (e enumeration[D, P]) proto(d D) P {
	if int(d) < len(e) {
		return e[d]
	}
	return 0
}

func (e enumeration[D, P]) domain(p P) D { return D(max(slices.Index(e, p), 0)) }

var (
	accessLevels = enumeration[authz.Access, authzv1.AccessLevel]{
		authz.Read:  authzv1.AccessLevel_ACCESS_LEVEL_READ,
		authz.Write: authzv1.AccessLevel_ACCESS_LEVEL_WRITE,
	}
	userRoles = enumeration[authz.UserRole, authzv1.UserRole]{
		authz.UserRoleOwner: authzv1.UserRole_USER_ROLE_OWNER,
		authz.UserRoleUser:  authzv1.UserRole_USER_ROLE_USER,
	}
	keyStates = enumeration[authz.KeyState, authzv1.KeyState]{
		authz.Live:    authzv1.KeyState_KEY_STATE_LIVE,
		authz.Expired: authzv1.KeyState_KEY_STATE_EXPIRED,
		authz.Revoked: authzv1.KeyState_KEY_STATE_REVOKED,
	}
	callerRoles = enumeration[authz.CallerRole, authzv1.CallerRole]{
		authz.CallerRoleGateway: authzv1.CallerRole_CALLER_ROLE_GATEWAY,
		authz.CallerRoleAdmin:   authzv1.CallerRole_CALLER_ROLE_ADMIN,
		authz.CallerRoleSystem:  authzv1.CallerRole_CALLER_ROLE_SYSTEM,
	}
	barriers = enumeration[authz.Barrier, authzv1.Barrier]{
		authz.Acked:  authzv1.Barrier_BARRIER_ACKED,
		authz.Waited: authzv1.Barrier_BARRIER_WAITED,
	}
)

// timeToProto returns a time that may be absent, which the domain says by zero and the contract by nil.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromProto is the reverse. A time that is there is never zero afterwards: those before 1970 are refused.
func timeFromProto(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if t.CheckValid() != nil || t.GetSeconds() < 0 {
		return time.Time{}, invalid(field, "must be a time from 1970 to 9999")
	}
	return t.AsTime(), nil
}

func digestFromProto(field string, b []byte) (d authz.Digest, err error) {
	if len(b) != len(d) {
		return d, invalid(field, "must be a SHA-256: %d bytes", len(d))
	}
	return authz.Digest(b), nil
}

func pageFromProto(in interface {
	GetPageSize() int32
	GetPageToken() string
}) authz.PageRequest {
	return authz.PageRequest{Size: int(in.GetPageSize()), Token: in.GetPageToken()}
}

func scopeToProto(s authz.ProjectScope) *authzv1.ProjectScope {
	return &authzv1.ProjectScope{All: s.All, ProjectIds: s.IDs}
}

func scopeFromProto(s *authzv1.ProjectScope) authz.ProjectScope {
	return authz.ProjectScope{All: s.GetAll(), IDs: s.GetProjectIds()}
}

func consistencyFromProto(consistency authzv1.Consistency, atLeast string) (c authz.Consistency, err error) {
	switch consistency {
	case authzv1.Consistency_CONSISTENCY_UNSPECIFIED:
	case authzv1.Consistency_CONSISTENCY_STRONG:
		c.Strong = true
	default:
		return c, invalid("consistency", "must be CONSISTENCY_STRONG or not set")
	}
	if atLeast != "" {
		c.AtLeast, err = authz.ParseRevision("at_least_revision", atLeast)
	}
	return c, err
}

func receiptToProto(r authz.Receipt) *authzv1.Receipt {
	out := &authzv1.Receipt{Revision: r.Revision.String(), Barrier: barriers.proto(r.Barrier)}
	if r.Barrier != authz.NoBarrier {
		out.BarrierDuration = durationpb.New(r.Took)
	}
	return out
}

func keyToProto(k authz.Key, now time.Time) *authzv1.Key {
	return &authzv1.Key{
		Id: k.ID, Name: k.Name, Prefix: k.Prefix, UserId: k.UserID,
		AccessLevel: accessLevels.proto(k.Access), Projects: scopeToProto(k.Projects),
		CreateTime: timeToProto(k.CreatedAt), ExpireTime: timeToProto(k.ExpiresAt),
		RevokeTime: timeToProto(k.RevokedAt), LastUseTime: timeToProto(k.LastUsedAt),
		State: keyStates.proto(k.State(now)),
	}
}

func keyRequestFromProto(in *authzv1.CreateKeyRequest) (authz.KeyRequest, error) {
	r := authz.KeyRequest{
		Name: in.GetName(), UserID: in.GetUserId(), Access: accessLevels.domain(in.GetAccessLevel()),
		Projects: scopeFromProto(in.GetProjects()), Forever: in.GetNeverExpires(), RequestID: in.GetRequestId(),
		Wait: in.GetWait(),
	}
	if d := in.GetExpiresIn(); d != nil {
		if d.CheckValid() != nil {
			return r, invalid("expires_in", "must be a duration whose seconds and nanos are in range and of one sign")
		}
		r.Life = d.AsDuration() // a longer one than it can hold becomes the longest, which the rules refuse
	}
	return r, nil
}

func keyFilterFromProto(in *authzv1.ListKeysRequest) (authz.KeyFilter, error) {
	f := authz.KeyFilter{
		UserID: in.UserId, ProjectID: in.GetProjectId(), Access: accessLevels.domain(in.GetAccessLevel()), Query: in.GetQuery(),
		IDs: in.GetIds(), Order: authz.Order(in.GetOrderBy()),
	}
	if f.Access == 0 && in.GetAccessLevel() != authzv1.AccessLevel_ACCESS_LEVEL_UNSPECIFIED { // which must not mean all
		return f, invalid("access_level", "must be ACCESS_LEVEL_READ, ACCESS_LEVEL_WRITE or not set")
	}
	for i, s := range in.GetStates() {
		state := keyStates.domain(s)
		if state == 0 {
			return f, invalid(fmt.Sprintf("states[%d]", i), "must be KEY_STATE_LIVE, KEY_STATE_EXPIRED or KEY_STATE_REVOKED")
		}
		if !slices.Contains(f.States, state) {
			f.States = append(f.States, state)
		}
	}
	slices.Sort(f.States) // so that a page token does not depend on their order
	return f, nil
}

func sessionToProto(s authz.Session) *authzv1.Session {
	return &authzv1.Session{
		TokenSha256: s.Digest[:], UserId: s.UserID, Role: userRoles.proto(s.Role), ExpireTime: timeToProto(s.ExpiresAt),
	}
}

func sessionFromProto(in *authzv1.Session) (s authz.Session, err error) {
	if in == nil {
		return s, invalid("session", "must be set")
	}
	s.UserID, s.Role = in.GetUserId(), userRoles.domain(in.GetRole())
	if s.Digest, err = digestFromProto("session.token_sha256", in.GetTokenSha256()); err != nil {
		return s, err
	}
	s.ExpiresAt, err = timeFromProto("session.expire_time", in.GetExpireTime())
	return s, err
}

func projectToProto(p authz.Project) *authzv1.Project {
	return &authzv1.Project{Id: p.ID, Slug: p.Slug, Name: p.Name, OwnerId: p.OwnerID}
}

func projectFromProto(p *authzv1.Project) authz.Project {
	return authz.Project{ID: p.GetId(), Slug: p.GetSlug(), Name: p.GetName(), OwnerID: p.GetOwnerId()}
}

func serviceToProto(s authz.Service) *authzv1.Service {
	return &authzv1.Service{Id: s.ID, ProjectId: s.ProjectID}
}

func serviceFromProto(s *authzv1.Service) authz.Service {
	return authz.Service{ID: s.GetId(), ProjectID: s.GetProjectId()}
}

func deploymentToProto(d authz.Deployment) *authzv1.Deployment {
	return &authzv1.Deployment{Id: d.ID, ServiceId: d.ServiceID}
}

func deploymentFromProto(d *authzv1.Deployment) authz.Deployment {
	return authz.Deployment{ID: d.GetId(), ServiceID: d.GetServiceId()}
}

func eventToProto(e authz.Event) *authzv1.Event {
	return &authzv1.Event{
		Id: e.ID, Time: timeToProto(e.At), Action: string(e.Action), SubjectId: e.SubjectID, Details: e.Details,
		Actor: &authzv1.Actor{
			Role: callerRoles.proto(e.Actor.Role), TokenName: e.Actor.TokenName,
			UserId: e.Actor.UserID, Address: e.Actor.Address,
		},
	}
}

func eventFilterFromProto(in *authzv1.ListEventsRequest) (f authz.EventFilter, err error) {
	f = authz.EventFilter{
		Action: authz.Action(in.GetAction()), SubjectID: in.GetSubjectId(),
		TokenName: in.GetTokenName(), UserID: in.GetUserId(),
	}
	if f.Since, err = timeFromProto("start_time", in.GetStartTime()); err != nil {
		return f, err
	}
	f.Until, err = timeFromProto("end_time", in.GetEndTime())
	return f, err
}

// each converts a list.
func each[A, B any](list []A, convert func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = convert(a)
	}
	return out
}
