// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// checkHTTP reports whether gateways ask over HTTP on this machine alone, and refuses to believe everybody.
func (s *Settings) checkHTTP(ctx context.Context, lookup Lookup) (here bool, err error) {
	here = true
	if s.HTTPListen != Off {
		if here, err = onLoopback(ctx, lookup, s.HTTPListen); err != nil {
			return false, fmt.Errorf("http-listen %w; off switches it off", err)
		}
	}
	if _, err := s.Peers(); err != nil {
		return false, err
	}
	switch {
	case s.HTTPListen == s.Listen && !anyPort(s.Listen):
		return false, errors.New("http-listen and listen are the same address: choose another port for one of them")
	case s.HTTPListen == Off && s.HTTPURL != "":
		return false, errors.New("http-url is set although http-listen is off")
	case s.HTTPListen == Off && s.HTTPPeers != loopbackPeers && s.HTTPPeers != "none":
		return false, errors.New("http-peers is set although http-listen is off")
	}
	return here, s.checkHTTPURL()
}

// loopbackPeers are those of http-peers where nothing is said.
const loopbackPeers = "127.0.0.0/8,::1"

// anyPort reports whether an address asks for a port that is free.
func anyPort(address string) bool { return strings.HasSuffix(address, ":0") }

// Peers returns the networks of http-peers.
func (s *Settings) Peers() (all []netip.Prefix, err error) {
	if s.HTTPPeers == "none" {
		return nil, nil
	}
	for text := range strings.SplitSeq(s.HTTPPeers, ",") {
		peer, err := parsePeer(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		all = append(all, peer)
	}
	return all, nil
}

func parsePeer(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if address, notOne := netip.ParseAddr(text); notOne == nil && address.Zone() == "" {
		address = address.Unmap()
		network, err = netip.PrefixFrom(address, address.BitLen()), nil
	}
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("http-peers must be addresses or networks, such as 10.0.0.7 or 10.0.0.0/28, separated by commas, or none, not %q", text)
	case network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("http-peers: write %s as the IPv4 network that it is", text)
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("http-peers: %s is everybody, who could then say of any request that it is theirs to ask about: "+
			"list the gateways", text)
	case network.Addr().Is6() && network.Addr().IsLinkLocalUnicast():
		return netip.Prefix{}, fmt.Errorf("http-peers: %s is another machine on each of this one's links: give the gateway another address, or a token", text)
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("http-peers: %s is an address in the network %s: write the one or the other", text, network.Masked())
	}
	return network, nil
}

// checkHTTPURL wants a URL that paths can be added to, as it is.
func (s *Settings) checkHTTPURL() error {
	if s.HTTPURL == "" {
		return nil
	}
	u, err := url.Parse(s.HTTPURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		strings.HasSuffix(u.Path, "/") {
		return errors.New("http-url must be a URL such as https://authz.internal:8462, without a slash at its end")
	}
	return nil
}
