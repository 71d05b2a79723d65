// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/torture/cluster"
	"aeroplane.run/authz/internal/torture/history"
)

// A door is how callers reach one replica.
type door struct {
	replica       uint8
	authorization v1.AuthorizationServiceClient // with a gateway's token
	keys          v1.KeyServiceClient           // with an administrator's, as the others
	sessions      v1.SessionServiceClient
	catalog       v1.CatalogServiceClient
}

func doorOf(r *cluster.Replica) door { return newDoor(r.Number, r.Gateway, r.Admin) }

func newDoor(replica int, gateway, admin *grpc.ClientConn) door {
	return door{uint8(replica), v1.NewAuthorizationServiceClient(gateway), v1.NewKeyServiceClient(admin),
		v1.NewSessionServiceClient(admin), v1.NewCatalogServiceClient(admin)}
}

// A receipted is an answer to a change.
type receipted interface{ GetReceipt() *v1.Receipt }

// receiptOf puts the receipt of a change into what is recorded of it.
func receiptOf(answer receipted, c *history.Change) {
	receipt := answer.GetReceipt()
	c.At = parseRevision(receipt.GetRevision())
	switch receipt.GetBarrier() {
	case v1.Barrier_BARRIER_ACKED:
		c.Barrier = history.Acked
	case v1.Barrier_BARRIER_WAITED:
		c.Barrier = history.Waited
	}
	c.Took = receipt.GetBarrierDuration().AsDuration()
}

// parseRevision reads a revision such as 1042.9f86d081884c7d65. What is none is the zero Revision.
func parseRevision(text string) history.Revision {
	seq, tag, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil {
		return history.Revision{}
	}
	t, err := strconv.ParseUint(tag, 16, 64)
	if err != nil {
		return history.Revision{}
	}
	return history.Revision{Seq: n, Tag: t}
}

// outcomeOf says what the error of a change means. Where it is not plain that nothing was made, nobody knows.
func outcomeOf(err error) history.Outcome {
	switch status.Code(err) {
	case codes.OK:
		return history.OK
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists, codes.PermissionDenied,
		codes.Unauthenticated, codes.Unimplemented:
		return history.Refused
	}
	return history.Unknown
}

// reasonOf names an error as the service does, or else by its code.
func reasonOf(err error) string {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() != "" {
			return info.GetReason()
		}
	}
	return s.Code().String()
}

// authorize asks a replica, and returns what to record and why there was no decision, if there was none.
func (d door) authorize(ctx context.Context, request *v1.AuthorizeRequest, allows func(*v1.AuthorizeResponse) bool) (
	answer history.Answer, at history.Revision, why string) {
	a, err := d.authorization.Authorize(ctx, request)
	switch {
	case err != nil:
		return history.Undecided, at, reasonOf(err)
	case a.GetAllowed() && (allows == nil || allows(a)):
		return history.Allowed, parseRevision(a.GetRevision()), ""
	}
	return history.Denied, parseRevision(a.GetRevision()), ""
}
