// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
)

// A Local calls the services of a Server from within its process, as a connection of gRPC would: with the same codec, and through the same
// guard. It is how calls in JSON come to what answers those of gRPC, so that there is one of each rule.
//
// What a connection has of its own, the token and the address, is said by the context: see visitor.
type Local struct {
	codec   codec
	guard   *guard
	methods map[string]localMethod
}

type localMethod struct {
	handle  grpc.MethodHandler
	service any
}

var _ grpc.ClientConnInterface = (*Local)(nil)

// RegisterService implements grpc.ServiceRegistrar.
func (l *Local) RegisterService(desc *grpc.ServiceDesc, service any) {
	for _, m := range desc.Methods {
		l.methods["/"+desc.ServiceName+"/"+m.MethodName] = localMethod{m.Handler, service}
	}
}

// Invoke implements grpc.ClientConnInterface. The options are ignored: nothing of what they ask for is sent.
func (l *Local) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	m, ok := l.methods[method]
	if !ok {
		return status.Errorf(codes.Unimplemented, "unknown method %s", method)
	}
	sent, _ := metadata.FromOutgoingContext(ctx)
	ctx = metadata.NewIncomingContext(ctx, sent)
	message, err := proto.Marshal(args.(proto.Message))
	if err != nil {
		return statusOf(authz.Errorf(authz.Invalid, "the request cannot be sent: a text in it is not UTF-8")).Err()
	}
	read := func(to any) error { return l.codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(message)}, to) }
	answer, err := m.handle(m.service, ctx, read, l.guard.unary)
	if err != nil {
		return err
	}
	if err := l.hand(answer, reply.(proto.Message)); err != nil {
		// The call itself has ended, and was counted: this is only told of.
		return l.guard.tell(ctx, method, methods[method], authz.Actor{}, err)
	}
	return nil
}

// hand puts an answer into the reply, by way of the bytes that would be sent.
func (l *Local) hand(answer any, reply proto.Message) error {
	data, err := l.codec.Marshal(answer)
	if err != nil {
		return fmt.Errorf("an answer cannot be sent: %w", err)
	}
	defer data.Free()
	if err := proto.Unmarshal(data.Materialize(), reply); err != nil {
		return fmt.Errorf("an answer cannot be read: %w", err)
	}
	return nil
}

// NewStream implements grpc.ClientConnInterface. There are no streams here.
func (l *Local) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "streams are for gRPC")
}

// A registrar registers services at several places.
type registrar []grpc.ServiceRegistrar

// RegisterService implements grpc.ServiceRegistrar.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, service any) {
	for _, at := range r {
		at.RegisterService(desc, service)
	}
}
