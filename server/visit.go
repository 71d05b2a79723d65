// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A visit makes the calls of a visitor. An administrator's token may make all calls. By a cookie only those can be made which have a row in
// pageCalls, each of them narrowed to what the visitor may see.
type visit struct {
	*Local
	issuer *authz.Issuer
	turns  *turns
}

// A narrowing leaves of a call what is the visitor's own to see or to change, or refuses it.
type narrowing func(ctx context.Context, s *visit, v *visitor, in proto.Message) error

// pageCalls is the closed list of what the page may call, whose visitors are known by a cookie.
var pageCalls = map[string]narrowing{
	authzv1.KeyService_ListKeys_FullMethodName:         listOwnKeys,
	authzv1.KeyService_GetKey_FullMethodName:           oneSeenKey,
	authzv1.KeyService_CreateKey_FullMethodName:        createOwnKey,
	authzv1.KeyService_RevokeKey_FullMethodName:        oneSeenKey,
	authzv1.CatalogService_ListProjects_FullMethodName: listOwnProjects,
	authzv1.AuditService_ListEvents_FullMethodName:     everybodysOnly,

	authzv1.ExplanationService_ExplainAuthorize_FullMethodName: explainOwn,
}

// Invoke implements grpc.ClientConnInterface.
func (s *visit) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	if v := visitorOf(ctx); v.session != nil {
		end, err := s.turns.take(ctx, turnOfCall(method, v.session))
		if err != nil {
			return s.guard.answer(ctx, method, authz.Actor{}, err)
		}
		defer end()
	}
	ctx, err := s.admit(ctx, method, args.(proto.Message))
	if err != nil {
		return s.guard.answer(ctx, method, authz.Actor{}, err)
	}
	return s.Local.Invoke(ctx, method, args, reply, options...)
}

// admit refuses what the visitor may not call. The result is the context of the call, for who the visitor is now.
func (s *visit) admit(ctx context.Context, method string, in proto.Message) (_ context.Context, err error) {
	defer func() { err = s.guard.contain(method, recover(), err) }()
	v, err := visitorOf(ctx).again(ctx)
	if err != nil {
		return ctx, err
	}
	ctx = context.WithValue(ctx, visitorKey{}, v)
	return ctx, s.narrow(ctx, v, method, in)
}

func (s *visit) narrow(ctx context.Context, v *visitor, method string, in proto.Message) error {
	if err := refuseUnusedQuery(ctx, in); err != nil {
		return err
	}
	if !v.browser {
		return nil // an administrator
	}
	narrow, ok := pageCalls[method]
	if !ok {
		return authz.Errorf(authz.PermissionDenied, "this call needs an administrator's token: a session may not make it")
	}
	if v.session == nil { // an administrator, in a browser
		return nil
	}
	return narrow(ctx, s, v, in)
}

// maxSessionPage bounds a page of keys that a session asks for: each key may have a thousand projects, and while a page is read on the
// embedded database nobody changes anything.
const maxSessionPage = 200

// listOwnKeys lists a user's own keys, and everybody's for owners.
func listOwnKeys(_ context.Context, _ *visit, v *visitor, in proto.Message) error {
	r := in.(*authzv1.ListKeysRequest)
	r.PageSize = min(r.PageSize, maxSessionPage)
	if v.everybodys() {
		return nil
	}
	if r.UserId != nil && r.GetUserId() != v.session.UserID {
		return authz.Errorf(authz.PermissionDenied, "a session lists the keys of its own user")
	}
	r.UserId = proto.String(v.session.UserID)
	return nil
}

// oneSeenKey answers for a key that the visitor does not see as for one that there is not, and as fast. The user of a key changes only when a sync
// replaces the key by what Aeroplane says of it, which may happen between this look and the call; the visitor then gets what was theirs a
// moment ago.
func oneSeenKey(ctx context.Context, s *visit, v *visitor, in proto.Message) error {
	if v.everybodys() {
		return nil
	}
	user, err := s.issuer.UserOf(ctx, in.(interface{ GetId() string }).GetId())
	if err == nil && user != v.session.UserID {
		return authz.NoSuchKey()
	}
	return err
}

// createOwnKey creates a key for the session's user, and for nobody else: also an owner has no word in what others' keys may do.
func createOwnKey(_ context.Context, _ *visit, v *visitor, in proto.Message) error {
	r := in.(*authzv1.CreateKeyRequest)
	if r.GetUserId() != "" && r.GetUserId() != v.session.UserID {
		return invalid("user_id", "must be that of the session, or nothing")
	}
	r.UserId = v.session.UserID
	if id := r.GetRequestId(); id != "" { // a name of this user's own: it neither tells of others' calls nor gets in their way
		digest := sha256.Sum256([]byte(v.session.UserID + "\x00" + id))
		r.RequestId = "session-" + hex.EncodeToString(digest[:])
	}
	return nil
}

// listOwnProjects lists the projects that a user may select, and everybody's for owners, who see them in others' keys. Who has no user
// reaches all projects.
func listOwnProjects(_ context.Context, _ *visit, v *visitor, in proto.Message) error {
	r := in.(*authzv1.ListProjectsRequest)
	if v.everybodys() || v.session.UserID == "" {
		return nil
	}
	if r.OwnerId != nil && r.GetOwnerId() != v.session.UserID {
		return authz.Errorf(authz.PermissionDenied, "a session lists the projects of its own user")
	}
	r.OwnerId = proto.String(v.session.UserID)
	return nil
}

// explainOwn leaves it to the explainer, who is told for whom it explains.
func explainOwn(context.Context, *visit, *visitor, proto.Message) error { return nil }

func everybodysOnly(_ context.Context, _ *visit, v *visitor, _ proto.Message) error {
	if v.everybodys() {
		return nil
	}
	return authz.Errorf(authz.PermissionDenied, "%s", authz.OwnerRequired.String())
}
