// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// A target is what gRPC connects to.
type target struct {
	text string
	list resolver.Builder // of a list of replicas. Nil: gRPC resolves the text by itself
	// local: it names nothing but this machine. What localhost becomes in the end, onlyLoopback looks at.
	local bool
}

// parseTarget reads a Config's Target. It asks no name server: what a name means may change while the gateway runs.
func parseTarget(text string) (*target, error) {
	if text == "" {
		return nil, errors.New("the Target is missing: give a host and a port, such as authz.internal:8460")
	}
	if endpoint, ok := strings.CutPrefix(text, "dns:"); ok {
		host, err := hostOf(endpoint[strings.LastIndexByte(endpoint, '/')+1:])
		return &target{text: text, local: err == nil && isLocal(host)}, err
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		if resolver.Get(scheme) == nil {
			return nil, fmt.Errorf("the Target begins with %s://, which gRPC does not know: give a host and a port alone", scheme)
		}
		return &target{text: text}, nil
	}
	replicas, hosts := strings.Split(text, ","), []string(nil)
	local := true
	for i := range replicas {
		replicas[i] = strings.TrimSpace(replicas[i])
		host, err := hostOf(replicas[i])
		if err != nil {
			return nil, err
		}
		hosts, local = append(hosts, host), local && isLocal(host)
	}
	if len(replicas) == 1 {
		return &target{text: "dns:///" + replicas[0], local: local}, nil
	}
	return listOf(replicas, hosts, local), nil
}

// listOf is several replicas, each with the name that its certificate has to have.
func listOf(replicas, hosts []string, local bool) *target {
	var state resolver.State
	for i, replica := range replicas {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{
			Addresses: []resolver.Address{{Addr: replica, ServerName: hosts[i]}},
		})
	}
	list := manual.NewBuilderWithScheme("replicas")
	list.InitialState(state)
	return &target{text: list.Scheme() + ":///" + replicas[0], list: list, local: local}
}

func hostOf(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return "", fmt.Errorf("the Target must be a host and a port, such as authz.internal:8460, or several separated by commas, not %q", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("the Target must end in a port from 1 to 65535, not %q", port)
	}
	return host, nil
}

// isLocal reports whether a host names this machine, whatever name servers say.
func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// onlyLoopback looks again at what a name has become: plaintext stays on this machine.
func onlyLoopback(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !at.Addr().Unmap().IsLoopback() {
			_ = conn.Close()
			return nil, fmt.Errorf("%s is another machine, to which nothing is sent without TLS", address)
		}
		return conn, nil
	}
}
