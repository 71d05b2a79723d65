// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"sync"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"

	"aeroplane.run/authz"
)

// An extAuthzService answers Envoy's external authorization, version 3, and whoever else speaks it. It answers everybody with a
// decision or a refusal, and nobody with an error: a gateway may be told to let requests pass when it gets one.
type extAuthzService struct {
	decider
	removeCredential bool
}

const checkMethod = authv3.Authorization_Check_FullMethodName

// register registers Check as if it were a stream, which is the same on the wire: so the message of a stranger, who is answered as well,
// is not read.
func (s *extAuthzService) register(r grpc.ServiceRegistrar) {
	desc := authv3.Authorization_ServiceDesc
	desc.HandlerType = (*any)(nil)
	desc.Methods = nil
	desc.Streams = []grpc.StreamDesc{{StreamName: "Check", Handler: s.handle}}
	r.RegisterService(&desc, s)
}

func (s *extAuthzService) handle(_ any, stream grpc.ServerStream) error {
	c := checks.Get().(*check)
	a := s.check(stream, c)
	c.release()
	return stream.SendMsg(a)
}

// check answers one message, whatever becomes of it.
func (s *extAuthzService) check(stream grpc.ServerStream, c *check) (a *answer) {
	ctx := stream.Context()
	var err error
	defer func() {
		if panicked := recover(); panicked != nil || err != nil {
			a = newRefusedCheck(s.guard.refuse(ctx, checkMethod, s.guard.contain(checkMethod, panicked, err)))
		}
	}()
	if stranger, ok := ctx.Value(strangerKey{}).(error); ok {
		err = stranger
		return nil
	}
	if err = read(stream, c); err != nil {
		return nil
	}
	var r result
	if err = s.decide(ctx, &c.question, false, &r); err != nil {
		return nil
	}
	a, err = s.answerTo(c, &r)
	return a
}

func (s *extAuthzService) answerTo(c *check, r *result) (*answer, error) {
	if !r.decision.Allowed {
		return deniedChecks[r.decision.Reason], nil
	}
	values, err := identityOf(&r.decision.Grant)
	if err != nil {
		return nil, err
	}
	return newAllowedCheck(values, c.removal(&r.decision.Grant, s.removeCredential)), nil
}

// read reads the one message of a call. One that is longer than maxMessage gRPC answers by itself, with an error.
func read(stream grpc.ServerStream, c *check) error {
	err := stream.RecvMsg(c)
	switch {
	case err == nil:
		return nil
	case stream.Context().Err() != nil:
		return stream.Context().Err()
	case err == io.EOF:
		return invalid("attributes", "must be set")
	}
	return authz.Errorf(authz.Invalid, "the gateway's question cannot be read").Because(err)
}

// checks are kept for other calls: none of them outlives its own.
var checks = sync.Pool{New: func() any { return new(check) }}

// release keeps a check for another call, and nothing of what it asked.
func (c *check) release() {
	*c = check{}
	checks.Put(c)
}
