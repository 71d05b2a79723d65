// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net"
	"net/http"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// believes reports whether an address is that of a peer. One with a zone is nobody's: it is another machine's on each network.
func (s *HTTPServer) believes(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return false
	}
	address := tcp.AddrPort().Addr().Unmap()
	for _, p := range s.peers {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// askedBy returns the name of the gateway that asks, empty for one that is known by its address. Errors: Unauthenticated.
// A token that is no good is refused also where none would be needed.
func (s *HTTPServer) askedBy(ctx context.Context, h http.Header) (gateway string, err error) {
	tokens := h[door.GatewayToken]
	switch {
	case len(tokens) > 1:
		return "", authz.Errorf(authz.Unauthenticated, "the header %s came more than once", door.GatewayToken)
	case len(tokens) == 1:
		caller := s.guard.callers.find(tokens[0])
		if caller == nil {
			return "", authz.Errorf(authz.Unauthenticated, "the token in the header %s is not known", door.GatewayToken)
		}
		return caller.Name, nil
	case ctx.Value(believedKey{}) == true:
		return "", nil
	}
	return "", authz.Errorf(authz.Unauthenticated, "the address is not one of http-peers, and there is no header %s", door.GatewayToken)
}
