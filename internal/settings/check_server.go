// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// A Lookup finds the addresses of a host name.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// DNS is the Lookup of the system.
func DNS(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// CheckServer refuses settings with which a server would be less safe than it looks: half a certificate, two sources
// for one secret, a door to the network without TLS or without tokens. Its errors are one sentence for the operator.
func (s *Settings) CheckServer(ctx context.Context, lookup Lookup) error {
	if faults := s.Faults(ctx, lookup); len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// Faults returns all that CheckServer refuses: one fault of each door and database at most. What cannot be told because of one of them is left out.
func (s *Settings) Faults(ctx context.Context, lookup Lookup) (all []error) {
	good := func(err error) bool {
		if err != nil {
			all = append(all, err)
		}
		return err == nil
	}
	here, err := onLoopback(ctx, lookup, s.Listen)
	if err != nil {
		err = fmt.Errorf("listen %w", err)
	}
	known := good(err)
	httpHere, err := s.checkHTTP(ctx, lookup)
	known = good(err) && known
	exposed := "" // the address beyond this machine, if there is one
	switch {
	case !here:
		exposed = s.Listen
	case !httpHere:
		exposed = s.HTTPListen
	}
	postgres, err := s.checkPostgres(ctx, lookup)
	known = good(err) && known
	redis, err := s.checkRedis(ctx, lookup)
	if good(err) && known {
		good(s.checkTLS(exposed, max(postgres, redis)))
		good(s.checkTokens(exposed))
	} else {
		good(cmp.Or(s.checkPair(), s.checkTokenSources()))
	}
	good(s.checkOps(ctx, lookup))
	good(s.checkRoutes())
	good(s.checkRetention())
	return all
}

// checkPair wants a certificate and its key.
func (s *Settings) checkPair() error {
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		return errors.New("tls-cert is set without tls-key: set both, or neither")
	case s.TLSKey != "" && s.TLSCert == "":
		return errors.New("tls-key is set without tls-cert: set both, or neither")
	}
	return nil
}

// checkTLS is told on which address beyond this machine we listen, if on any, and who could read what crosses to the databases.
func (s *Settings) checkTLS(exposed string, databases exposure) error {
	if err := s.checkPair(); err != nil {
		return err
	}
	switch {
	case s.TLSCert != "" && s.InsecurePlaintext && databases != readableByAll:
		return errors.New("insecure-plaintext is set although nothing needs it: take it away, or take tls-cert away")
	case s.TLSCert == "" && exposed != "" && !s.InsecurePlaintext:
		return fmt.Errorf("listening on %s, beyond this machine, needs tls-cert and tls-key; "+
			"without them tokens and API keys would cross the network readable, which insecure-plaintext allows", exposed)
	}
	return nil
}

// checkTokens is told the same of where we listen.
func (s *Settings) checkTokens(exposed string) error {
	if err := s.checkTokenSources(); err != nil {
		return err
	}
	switch {
	case exposed == "":
		return nil // what is missing is generated
	case s.AdminTokens.IsZero() && s.AdminTokensFile == "":
		return needsTokens(exposed, "admin")
	case s.GatewayTokens.IsZero() && s.GatewayTokensFile == "":
		return needsTokens(exposed, "gateway")
	}
	return nil
}

func (s *Settings) checkTokenSources() error {
	switch {
	case !s.AdminTokens.IsZero() && s.AdminTokensFile != "":
		return errors.New("admin-tokens and admin-tokens-file are both set: set one")
	case !s.GatewayTokens.IsZero() && s.GatewayTokensFile != "":
		return errors.New("gateway-tokens and gateway-tokens-file are both set: set one")
	}
	return nil
}

func (s *Settings) checkRoutes() error {
	if s.Routes == "-" {
		return errors.New("routes must name a file, not standard input")
	}
	return nil
}

// checkRetention keeps the keys that a remembered request id tells of.
func (s *Settings) checkRetention() error {
	forEver := s.RetainKeys == 0
	if !forEver && (s.RetainRequestIDs == 0 || s.RetainKeys < s.RetainRequestIDs) {
		return errors.New("retain-keys is shorter than retain-request-ids: a call that is repeated could not be told of the " +
			"key that it created")
	}
	return nil
}

func needsTokens(exposed, role string) error {
	return fmt.Errorf("listening on %s, beyond this machine, needs tokens of your own for both roles: set %s-tokens-file",
		exposed, role)
}

// onLoopback reports whether an address, host and port, is this machine alone: every address of the host is loopback.
func onLoopback(ctx context.Context, lookup Lookup, address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("must be a host and a port, such as 127.0.0.1:9000, not %q", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, fmt.Errorf("must end in a port from 0 to 65535, not %q", port)
	}
	if host == "" {
		return false, nil // every interface
	}
	return hostOnLoopback(ctx, lookup, host)
}

func hostOnLoopback(ctx context.Context, lookup Lookup, host string) (bool, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback(), nil
	}
	addrs, err := lookup(ctx, host)
	if err != nil || len(addrs) == 0 {
		return false, fmt.Errorf("names the host %s, which has no address", host)
	}
	for _, addr := range addrs {
		if !addr.Unmap().IsLoopback() {
			return false, nil
		}
	}
	return true, nil
}
