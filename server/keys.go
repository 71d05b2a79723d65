// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

type keyService struct {
	authzv1.UnsafeKeyServiceServer
	issuer *authz.Issuer
}

// CreateKey lets the key's secret leave its type, for the one answer that may hold it. Nothing else does but the dashboard's create.
func (s *keyService) CreateKey(ctx context.Context, in *authzv1.CreateKeyRequest) (*authzv1.CreateKeyResponse, error) {
	r, err := keyRequestFromProto(in)
	if err != nil {
		return nil, err
	}
	issued, err := s.issuer.Create(ctx, actorFrom(ctx), r)
	if err != nil {
		return nil, err
	}
	return &authzv1.CreateKeyResponse{
		Key: s.key(issued.Key), Secret: issued.Secret.Reveal(), Replayed: issued.Replayed,
		Receipt: receiptToProto(issued.Receipt),
	}, nil
}

func (s *keyService) GetKey(ctx context.Context, in *authzv1.GetKeyRequest) (*authzv1.GetKeyResponse, error) {
	key, err := s.issuer.Get(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	return &authzv1.GetKeyResponse{Key: s.key(key)}, nil
}

func (s *keyService) ListKeys(ctx context.Context, in *authzv1.ListKeysRequest) (*authzv1.ListKeysResponse, error) {
	f, err := keyFilterFromProto(in)
	if err != nil {
		return nil, err
	}
	keys, next, err := s.issuer.List(ctx, f, pageFromProto(in))
	if err != nil {
		return nil, err
	}
	return &authzv1.ListKeysResponse{Keys: each(keys, s.key), NextPageToken: next}, nil
}

func (s *keyService) RevokeKey(ctx context.Context, in *authzv1.RevokeKeyRequest) (*authzv1.RevokeKeyResponse, error) {
	revoked, err := s.issuer.Revoke(ctx, actorFrom(ctx), in.GetId())
	if err != nil {
		return nil, err
	}
	return &authzv1.RevokeKeyResponse{
		Key: s.key(revoked.Key), AlreadyRevoked: revoked.Already, Receipt: receiptToProto(revoked.Receipt),
	}, nil
}

func (s *keyService) RevokeKeysOfUser(ctx context.Context, in *authzv1.RevokeKeysOfUserRequest) (
	*authzv1.RevokeKeysOfUserResponse, error) {
	revoked, err := s.issuer.RevokeOfUser(ctx, actorFrom(ctx), in.GetUserId())
	if err != nil {
		return nil, err
	}
	return &authzv1.RevokeKeysOfUserResponse{RevokedCount: int32(revoked.N), Receipt: receiptToProto(revoked.Receipt)}, nil
}

func (s *keyService) key(k authz.Key) *authzv1.Key { return keyToProto(k, s.issuer.Now()) }
