// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

type auditService struct {
	authzv1.UnsafeAuditServiceServer
	audit *authz.Audit
}

func (s *auditService) ListEvents(ctx context.Context, in *authzv1.ListEventsRequest) (
	*authzv1.ListEventsResponse, error) {
	f, err := eventFilterFromProto(in)
	if err != nil {
		return nil, err
	}
	events, next, err := s.audit.List(ctx, f, pageFromProto(in))
	if err != nil {
		return nil, err
	}
	return &authzv1.ListEventsResponse{Events: each(events, eventToProto), NextPageToken: next}, nil
}
