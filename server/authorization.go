// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// Each service embeds its Unsafe interface, so that a method of the contract which is missing here does not compile.
type authorizationService struct {
	authzv1.UnsafeAuthorizationServiceServer
	decider
	conversations conversations
}

func (s *authorizationService) Authorize(ctx context.Context, in *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	return s.decide(ctx, in, false, nil)
}
