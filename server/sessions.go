// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

type sessionService struct {
	authzv1.UnsafeSessionServiceServer
	sessions *authz.Sessions
}

func (s *sessionService) PutSession(ctx context.Context, in *authzv1.PutSessionRequest) (
	*authzv1.PutSessionResponse, error) {
	session, err := sessionFromProto(in.GetSession())
	if err != nil {
		return nil, err
	}
	stored, receipt, err := s.sessions.Put(ctx, actorFrom(ctx), session)
	if err != nil {
		return nil, err
	}
	return &authzv1.PutSessionResponse{Session: sessionToProto(stored), Receipt: receiptToProto(receipt)}, nil
}

func (s *sessionService) RevokeSession(ctx context.Context, in *authzv1.RevokeSessionRequest) (
	*authzv1.RevokeSessionResponse, error) {
	digest, err := digestFromProto("token_sha256", in.GetTokenSha256())
	if err != nil {
		return nil, err
	}
	revoked, err := s.sessions.Revoke(ctx, actorFrom(ctx), digest)
	if err != nil {
		return nil, err
	}
	return &authzv1.RevokeSessionResponse{AlreadyRevoked: revoked.Already, Receipt: receiptToProto(revoked.Receipt)}, nil
}

func (s *sessionService) RevokeSessionsOfUser(ctx context.Context, in *authzv1.RevokeSessionsOfUserRequest) (
	*authzv1.RevokeSessionsOfUserResponse, error) {
	revoked, err := s.sessions.RevokeOfUser(ctx, actorFrom(ctx), in.GetUserId())
	if err != nil {
		return nil, err
	}
	return &authzv1.RevokeSessionsOfUserResponse{RevokedCount: int32(revoked.N), Receipt: receiptToProto(revoked.Receipt)}, nil
}
