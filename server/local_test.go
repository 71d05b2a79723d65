// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// An answer that cannot be handed over is a fault of ours: the log tells which, and the caller nothing of it.
func TestLocalAnswersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer proto.Message
		logged string
	}{
		"it cannot be written": {&authzv1.ListEventsResponse{NextPageToken: "private\xff"}, "an answer cannot be sent"},
		"it cannot be read":    {wrapperspb.Bytes([]byte("private\xff")), "an answer cannot be read"},
	} {
		var log servertest.Logbook
		s := server.New(server.Config{Log: log.Logger()})
		defer s.Drain(t.Context())
		s.Local().RegisterService(&grpc.ServiceDesc{ServiceName: authzv1.AuditService_ServiceDesc.ServiceName, Methods: []grpc.MethodDesc{{
			MethodName: "ListEvents",
			Handler: func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
				return c.answer, nil
			},
		}}}, nil)
		err := s.Local().Invoke(t.Context(), authzv1.AuditService_ListEvents_FullMethodName, new(authzv1.ListEventsRequest), new(wrapperspb.StringValue))
		if st := status.Convert(err); st.Code() != codes.Internal || st.Message() != "internal error" || len(st.Details()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if n := strings.Count(log.String(), c.logged); n != 1 || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: the log says\n%s", name, log.String())
		}
	}
}
