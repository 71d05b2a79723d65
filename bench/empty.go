// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protodelim"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
)

// emptyCommand is the first argument with which this program is an empty server: emptyCommand KIND ADDRESS ANSWERS.
const emptyCommand = "empty-server"

// The kinds of empty servers.
const (
	tuned   = "tuned"   // connections are dealt with as the service does, and so is garbage
	untuned = "untuned" // as gRPC and Go come
)

// An emptyServer answers what the service has answered, in turn, whatever the question, and does nothing else: what it costs is
// what gRPC costs.
type emptyServer struct {
	authzv1.UnimplementedAuthorizationServiceServer
	answers []*authzv1.AuthorizeResponse
	results []*authzv1.AuthorizeResult // twice around, so that any batch is a part of it
	next    atomic.Uint64
}

// Authorize implements the contract.
func (s *emptyServer) Authorize(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	return s.answers[s.next.Add(1)%uint64(len(s.answers))], nil
}

// BatchAuthorize implements the contract.
func (s *emptyServer) BatchAuthorize(_ context.Context, in *authzv1.BatchAuthorizeRequest) (*authzv1.BatchAuthorizeResponse, error) {
	n := uint64(len(in.GetRequests()))
	at := s.next.Add(n) % uint64(len(s.answers))
	return &authzv1.BatchAuthorizeResponse{Results: s.results[at : at+n]}, nil
}

// AuthorizeStream implements the contract.
func (s *emptyServer) AuthorizeStream(stream grpc.BidiStreamingServer[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]) error {
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

// serveEmpty is the program as an empty server. It ends when it is ended.
func serveEmpty(kind, address, answers string) error {
	s, err := newEmptyServer(answers)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	var options []grpc.ServerOption
	if kind == tuned {
		options = server.TransportOptions()
	}
	g := grpc.NewServer(options...)
	authzv1.RegisterAuthorizationServiceServer(g, s)
	healthpb.RegisterHealthServer(g, health.NewServer())
	return g.Serve(l)
}

func newEmptyServer(answers string) (*emptyServer, error) {
	f, err := os.Open(answers)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := new(emptyServer)
	for in := bufio.NewReader(f); ; {
		answer := new(authzv1.AuthorizeResponse)
		switch err := protodelim.UnmarshalFrom(in, answer); {
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

// startEmpty starts an empty server beside a service, with more in its environment: with that one's answers and, if it is tuned, its
// limits of garbage.
func startEmpty(t testing.TB, kind string, like *contestant, answers string, env ...string) *contestant {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if kind == tuned {
		env = append(env, garbageAs(like.metrics(t))...)
	}
	c := start(t, "empty, "+kind, func(c *contestant) *exec.Cmd {
		cmd := exec.Command(self, emptyCommand, kind, c.address, answers)
		cmd.Env = env
		return cmd
	})
	c.empty = true
	return c.await(t)
}
