// SPDX-License-Identifier: Apache-2.0

// Package empty is a server that answers what the service has answered, in turn, whatever the question, and does nothing else: what
// it costs is what gRPC costs.
package empty

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protodelim"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The kinds of empty servers.
const (
	Tuned   = "tuned"   // connections are dealt with as the service does, and so is garbage
	Untuned = "untuned" // as gRPC and Go come
)

// A Server answers. All methods may be called at once.
type Server struct {
	authzv1.UnimplementedAuthorizationServiceServer
	answers []*authzv1.AuthorizeResponse
	results []*authzv1.AuthorizeResult // twice around, so that any batch is a part of it
	next    atomic.Uint64
}

// New returns a server with the answers in a file, one or more, each behind its length.
func New(answers string) (*Server, error) {
	f, err := os.Open(answers)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := new(Server)
	for in := bufio.NewReader(f); ; {
		answer := new(authzv1.AuthorizeResponse)
		switch err := protodelim.UnmarshalFrom(in, answer); {
		case errors.Is(err, io.EOF) && len(s.answers) == 0:
			return nil, errors.New("there are no answers")
		case errors.Is(err, io.EOF):
			s.results = append(s.results, s.results...)
			return s, nil
		case err != nil:
			return nil, err
		}
		s.answers = append(s.answers, answer)
		s.results = append(s.results, &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Response{Response: answer}})
	}
}

// Authorize implements the contract.
func (s *Server) Authorize(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	return s.answers[s.next.Add(1)%uint64(len(s.answers))], nil
}

// BatchAuthorize implements the contract.
func (s *Server) BatchAuthorize(_ context.Context, in *authzv1.BatchAuthorizeRequest) (*authzv1.BatchAuthorizeResponse, error) {
	n := uint64(len(in.GetRequests()))
	at := s.next.Add(n) % uint64(len(s.answers))
	return &authzv1.BatchAuthorizeResponse{Results: s.results[at : at+n]}, nil
}

// AuthorizeStream implements the contract.
func (s *Server) AuthorizeStream(stream grpc.BidiStreamingServer[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]) error {
	answer := new(authzv1.AuthorizeStreamResponse)
	for {
		in, err := stream.Recv()
		if err != nil {
			return nil // there is nothing more to answer
		}
		answer.Id, answer.Result = in.GetId(), s.results[s.next.Add(1)%uint64(len(s.answers))]
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}
