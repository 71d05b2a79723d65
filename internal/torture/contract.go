// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

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

// What follows reads and sets the fields that only a contract with revocation has, by their names, so that services of
// before can be tried as well: there receipts are empty and nothing is strong.

func field(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

// askStrongly makes a request know of every committed change, and reports whether the contract can say that.
func askStrongly(r *v1.AuthorizeRequest) bool {
	f := field(r, "consistency")
	if f != nil {
		r.ProtoReflect().Set(f, protoreflect.ValueOfEnum(f.Enum().Values().ByName("CONSISTENCY_STRONG").Number()))
	}
	return f != nil
}

// askAtLeast makes a request know of a revision, and reports whether the contract can say that.
func askAtLeast(r *v1.AuthorizeRequest, at history.Revision) bool {
	f := field(r, "at_least_revision")
	if f == nil || at.Seq == 0 {
		return false
	}
	r.ProtoReflect().Set(f, protoreflect.ValueOfString(fmt.Sprintf("%d.%016x", at.Seq, at.Tag)))
	return true
}

// revisionOf returns the revision of an answer.
func revisionOf(a *v1.AuthorizeResponse) history.Revision {
	if f := field(a, "revision"); f != nil {
		return parseRevision(a.ProtoReflect().Get(f).String())
	}
	return history.Revision{}
}

// receiptOf puts the receipt of a change into what is recorded of it.
func receiptOf(answer proto.Message, c *history.Change) {
	f := field(answer, "receipt")
	if f == nil || !answer.ProtoReflect().Has(f) {
		return
	}
	receipt := answer.ProtoReflect().Get(f).Message()
	of := receipt.Descriptor().Fields()
	c.At = parseRevision(receipt.Get(of.ByName("revision")).String())
	barrier := of.ByName("barrier")
	switch barrier.Enum().Values().ByNumber(receipt.Get(barrier).Enum()).Name() {
	case "BARRIER_ACKED":
		c.Barrier = history.Acked
	case "BARRIER_WAITED":
		c.Barrier = history.Waited
	}
	duration := receipt.Get(of.ByName("barrier_duration")).Message()
	parts := duration.Descriptor().Fields()
	c.Took = time.Duration(duration.Get(parts.ByName("seconds")).Int())*time.Second +
		time.Duration(duration.Get(parts.ByName("nanos")).Int())
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
		return history.Allowed, revisionOf(a), ""
	}
	return history.Denied, revisionOf(a), ""
}
