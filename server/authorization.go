// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// An authorizationService answers calls for decisions.
type authorizationService struct {
	decider
	conversations conversations
}

const (
	oneMethod    = authzv1.AuthorizationService_Authorize_FullMethodName
	batchMethod  = authzv1.AuthorizationService_BatchAuthorize_FullMethodName
	streamMethod = authzv1.AuthorizationService_AuthorizeStream_FullMethodName
)

func newAuthorizationService(a *authz.Authorizer, g *guard) *authorizationService {
	s := &authorizationService{decider: newDecider(a, g)}
	s.conversations.ending, s.conversations.end = context.WithCancel(context.Background())
	return s
}

// register registers the service as generated code would, with handlers that read questions and return answers, and that ask the
// guard themselves: as an interceptor it would look for the method once more. A method of the contract without one is a panic.
func (s *authorizationService) register(r grpc.ServiceRegistrar) {
	desc := authzv1.AuthorizationService_ServiceDesc
	desc.HandlerType = (*any)(nil)
	desc.Methods = slices.Clone(desc.Methods)
	for i := range desc.Methods {
		switch m := &desc.Methods[i]; m.MethodName {
		case "Authorize":
			m.Handler = s.handleOne
		case "BatchAuthorize":
			m.Handler = s.handleBatch
		default:
			panic("server: nothing answers " + m.MethodName)
		}
	}
	desc.Streams = slices.Clone(desc.Streams)
	for i := range desc.Streams {
		if desc.Streams[i].StreamName != "AuthorizeStream" {
			panic("server: nothing answers " + desc.Streams[i].StreamName)
		}
		desc.Streams[i].Handler = s.handleStream
	}
	r.RegisterService(&desc, s)
}

func (s *authorizationService) handleOne(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	q := singles.Get().(*single)
	if err := read(q); err != nil {
		return nil, err
	}
	a, err := s.authorize(ctx, q)
	q.release()
	return a, err
}

func (s *authorizationService) authorize(ctx context.Context, q *single) (a *answer, err error) {
	defer s.guard.end(ctx, oneMethod, &err)
	var r result
	if err := s.decide(ctx, &q.question, false, &r); err != nil {
		return nil, err
	}
	return q.exchange.to(&r)
}
