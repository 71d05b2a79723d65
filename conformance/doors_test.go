// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// everyDoor asks each question by every call that there is for it, whose answers must agree.
type everyDoor struct {
	authzv1.AuthorizationServiceClient
	t      *testing.T
	stream grpc.BidiStreamingClient[authzv1.AuthorizeStreamRequest, authzv1.AuthorizeStreamResponse]
	asked  uint64

	proxies *proxyDoors

	conversations []conversation
}

func newEveryDoor(t *testing.T, run *servertest.Running) *everyDoor {
	t.Helper()
	client := authzv1.NewAuthorizationServiceClient(run.Gateway)
	stream, err := client.AuthorizeStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &everyDoor{AuthorizationServiceClient: client, t: t, stream: stream, proxies: newProxyDoors(t, run, run.Gateway)}
}

// Authorize asks by a call, and compares with what a batch and a stream say, and what proxies are told.
func (d *everyDoor) Authorize(ctx context.Context, in *authzv1.AuthorizeRequest, o ...grpc.CallOption) (*authzv1.AuthorizeResponse, error) {
	d.t.Helper()
	answer, err := d.AuthorizationServiceClient.Authorize(ctx, in, o...)
	batch, batchErr := d.BatchAuthorize(ctx, &authzv1.BatchAuthorizeRequest{Requests: []*authzv1.AuthorizeRequest{in}}, o...)
	if batchErr != nil || len(batch.GetResults()) != 1 {
		d.t.Fatalf("a batch of one: %v, %v", batch, batchErr)
	}
	d.agree("a batch", answer, err, batch.GetResults()[0])

	d.asked++
	if err := d.stream.Send(&authzv1.AuthorizeStreamRequest{Id: d.asked, Request: in}); err != nil {
		d.t.Fatal(err)
	}
	streamed, streamErr := d.stream.Recv()
	if streamErr != nil || streamed.GetId() != d.asked {
		d.t.Fatalf("request %d of a stream: %v, %v", d.asked, streamed, streamErr)
	}
	d.agree("a stream", answer, err, streamed.GetResult())
	if err == nil {
		d.proxies.agree(in, answer)
	}
	d.note(in, answer)
	return answer, err
}

// agree compares all but the revision: a change that only added something may be applied between two questions.
func (d *everyDoor) agree(door string, answer *authzv1.AuthorizeResponse, err error, result *authzv1.AuthorizeResult) {
	d.t.Helper()
	if diff := cmp.Diff(answer, result.GetResponse(), protocmp.Transform(), protocmp.IgnoreFields(&authzv1.AuthorizeResponse{}, "revision")); diff != "" {
		d.t.Errorf("%s does not agree with the call (-call +other):\n%s", door, diff)
	}
	if code := int32(status.Code(err)); result.GetError().GetCode() != code {
		d.t.Errorf("%s: %v, the call: %v", door, result.GetError(), err)
	}
}
