// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
)

func TestEveryKindHasACode(t *testing.T) {
	t.Parallel()
	if len(kinds) != len(authz.Kinds()) {
		t.Errorf("the table has %d rows for %d kinds", len(kinds), len(authz.Kinds()))
	}
	seen := make(map[codes.Code]authz.Kind)
	for _, kind := range authz.Kinds() {
		st := statusOf(authz.Errorf(kind, "something to show").Because(errors.New("something to hide")))
		other, twice := seen[st.Code()]
		if st.Code() == codes.OK || st.Code() == codes.Unknown || twice {
			t.Errorf("kind %d: code %s, which kind %d may have too", kind, st.Code(), other)
		}
		seen[st.Code()] = kind

		if shown := strings.Contains(st.Message(), "something to show"); shown != (kind != authz.Internal) {
			t.Errorf("kind %d: message %q", kind, st.Message())
		}
		if strings.Contains(st.String()+fmt.Sprint(st.Details()), "hide") {
			t.Errorf("kind %d: the cause shows in %v", kind, st)
		}
		refusal := refusalOf(authz.Errorf(kind, "something to show").Because(errors.New("something to hide")))
		shows := kind == authz.Invalid || kind == authz.FailedPrecondition // what the gateway's client asked for
		if refusal.Status < 400 || strings.Contains(refusal.Text, "to show") != shows || strings.Contains(refusal.Text, "hide") {
			t.Errorf("kind %d: a gateway's client is answered %v", kind, refusal)
		}
		info, ok := st.Details()[0].(*errdetails.ErrorInfo)
		if !ok || info.GetDomain() != "authz.aeroplane.run" || info.GetReason() == "" {
			t.Errorf("kind %d: details %v", kind, st.Details())
		}
	}
}

func TestAKindWithoutARowIsInternal(t *testing.T) {
	t.Parallel()
	if r := refusalOf(authz.Errorf(authz.Kind(200), "secret")); r != refusalOf(errors.New("x")) {
		t.Errorf("a gateway's client is answered %v", r)
	}
	st := statusOf(authz.Errorf(authz.Kind(200), "secret"))
	if st.Code() != codes.Internal || st.Message() != "internal error" {
		t.Errorf("got %v", st)
	}
}

func TestErrorsThatNobodyClassified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{errors.New("pq: syntax error in SELECT"), codes.Internal},
		{context.Canceled, codes.Unavailable},
		{fmt.Errorf("lookup: %w", context.DeadlineExceeded), codes.Unavailable},
		{fmt.Errorf("wrapped: %w", authz.Errorf(authz.NotFound, "no such key")), codes.NotFound},
	} {
		st := statusOf(c.err)
		if st.Code() != c.want || strings.Contains(st.Message(), "SELECT") || strings.Contains(st.Message(), "wrapped") {
			t.Errorf("%v: got %v, want %s", c.err, st, c.want)
		}
	}
}

func TestACodeOfItsOwnIsTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind authz.Kind
		want string
	}{{authz.AlreadyExists, "SLUG_TAKEN"}, {authz.Internal, "INTERNAL"}} {
		st := statusOf(&authz.Error{Kind: c.kind, Code: "SLUG_TAKEN", Message: "m"})
		if got := st.Details()[0].(*errdetails.ErrorInfo).GetReason(); got != c.want {
			t.Errorf("kind %d: reason %q, want %q", c.kind, got, c.want)
		}
	}
}

// The violations of the worst batch must fit into the metadata that any gRPC library takes.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	e := &authz.Error{Kind: authz.Invalid, Message: "projects[0].id: is bad"}
	for i := range 1500 {
		e.Violations = append(e.Violations, authz.Violation{
			Field: fmt.Sprintf("projects[%d].slug", i), Description: strings.Repeat("x", 100),
		})
	}
	st := statusOf(e)
	if got := len(st.Details()[1].(*errdetails.BadRequest).GetFieldViolations()); got != maxViolations {
		t.Errorf("%d violations", got)
	}
	if !strings.Contains(st.Message(), "1484 more") {
		t.Errorf("message %q", st.Message())
	}
	if size := proto.Size(st.Proto()); size > 5<<10 {
		t.Errorf("status of %d bytes", size)
	}
}
