// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

func TestEveryMethodHasARow(t *testing.T) {
	t.Parallel()
	s := server.New(server.Config{})
	defer s.Drain(t.Context())
	registered, rows := s.Registered(), server.Rows()
	for method := range registered {
		if !slices.Contains(rows, method) {
			t.Errorf("%s can be called by nobody: it has no row", method)
		}
	}
	for _, method := range rows {
		if _, ok := registered[method]; !ok {
			t.Errorf("the row of %s is of no method", method)
		}
	}
}

// Roles times methods, all of them, with an empty message each.
func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	stranger := s.Dial(t, "")
	guesser := s.Dial(t, s.AdminToken[1:]+"x")
	const none, gateway, admin = 0, 1, 2

	for method, stream := range s.Server.Registered() {
		least := admin
		switch {
		case method == "/grpc.health.v1.Health/Watch":
			least = gateway // it lasts, and so may not be everybody's
		case strings.HasPrefix(method, "/grpc.health.v1."):
			least = none
		case strings.HasPrefix(method, "/envoy.service.auth."):
			least = none // who may not ask is answered a refusal
		case strings.HasPrefix(method, "/grpc.reflection."), strings.Contains(method, ".AuthorizationService/"):
			least = gateway
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				conn    *grpc.ClientConn
				role    int
				refusal codes.Code
			}{
				{stranger, none, codes.Unauthenticated}, {guesser, none, codes.Unauthenticated},
				{s.Gateway, gateway, codes.PermissionDenied}, {s.Admin, admin, codes.PermissionDenied},
			} {
				got := status.Code(call(t, c.conn, method, stream))
				switch {
				case c.role < least && got != c.refusal:
					t.Errorf("role %d: got %s, want %s", c.role, got, c.refusal)
				case c.role >= least && slices.Contains(refusals, got):
					t.Errorf("role %d: got %s", c.role, got)
				}
			}
		})
	}
}

// Who may not call is told before a byte of the message is read: what a stranger sends is not held, let alone decoded.
// Here none is ever sent. The same goes for a message that comes too late, where anybody may call.
func TestNoMessageIsAwaitedForStrangers(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range []struct {
		conn   *grpc.ClientConn
		method string
		want   codes.Code
	}{
		{s.Dial(t, ""), "/aeroplane.authz.v1.CatalogService/BatchPutProjects", codes.Unauthenticated},
		{s.Gateway, "/aeroplane.authz.v1.CatalogService/BatchPutProjects", codes.PermissionDenied},
		{s.Dial(t, ""), "/aeroplane.authz.v1.AuthorizationService/Authorize", codes.Unauthenticated},
		{s.Dial(t, ""), "/grpc.health.v1.Health/Check", codes.DeadlineExceeded},
	} {
		t.Run(c.method, func(t *testing.T) {
			t.Parallel()
			stream, err := c.conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, c.method)
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, stream.RecvMsg(new(emptypb.Empty)), c.want)
		})
	}
}

// refusals are codes that no empty message of a good caller may get.
var refusals = []codes.Code{
	codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.Internal, codes.Unknown, codes.Unavailable,
}

// call calls any method with an empty message, and returns the error of the first answer.
func call(t *testing.T, conn *grpc.ClientConn, method string, stream bool) error {
	t.Helper()
	var in, out emptypb.Empty
	if !stream {
		return conn.Invoke(t.Context(), method, &in, &out)
	}
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	_ = s.SendMsg(&in) // what is wrong shows in the answer
	_ = s.CloseSend()
	return s.RecvMsg(&out)
}
