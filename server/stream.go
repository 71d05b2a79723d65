// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"google.golang.org/grpc"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func (s *authorizationService) BatchAuthorize(context.Context, *authzv1.BatchAuthorizeRequest) (*authzv1.BatchAuthorizeResponse, error) {
	return nil, authz.Errorf(authz.Internal, "not there yet")
}

func (s *authorizationService) AuthorizeStream(grpc.BidiStreamingServer[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]) error {
	return authz.Errorf(authz.Internal, "not there yet")
}
