// SPDX-License-Identifier: Apache-2.0

package server

import (
	"runtime"

	"google.golang.org/grpc"
)

// TransportOptions are the options of a server that say how it deals with connections, and nothing of who may call or what is
// answered. They are exported for benchmarks, in which an empty server has them as well.
func TransportOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxMetadata),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepaliveParameters),
		grpc.KeepaliveEnforcementPolicy(keepalivePolicy),
		grpc.NumStreamWorkers(uint32(workersPerProcessor * runtime.GOMAXPROCS(0))), // experimental
	}
}

// workersPerProcessor goroutines for each processor wait for calls, which saves each call a goroutine of its own and the growth
// of its stack. Where all are busy gRPC starts one for the call.
const workersPerProcessor = 32
