// SPDX-License-Identifier: Apache-2.0

// Command emptyserver serves what is in package empty, until it is ended: emptyserver KIND ADDRESS ANSWERS.
//
// It is no part of the program that calls it. Where callers and server run the same code at the same addresses a processor foretells
// the branches of one by those of the other, which no gateway and no service of it have.
package main

import (
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/bench/empty"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: emptyserver KIND ADDRESS ANSWERS")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "emptyserver:", err)
		os.Exit(1)
	}
}

func serve(kind, address, answers string) error {
	s, err := empty.New(answers)
	if err != nil {
		return err
	}
	var options []grpc.ServerOption
	switch kind {
	case empty.Tuned:
		options = server.TransportOptions()
	case empty.Untuned:
	default:
		return fmt.Errorf("%q is no kind of empty server", kind)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	g := grpc.NewServer(options...)
	authzv1.RegisterAuthorizationServiceServer(g, s)
	healthpb.RegisterHealthServer(g, health.NewServer())
	return g.Serve(l)
}
