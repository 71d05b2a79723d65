// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"aeroplane.run/authz"
)

// sameOrigin refuses a request that may have been sent by another site's page, in a browser that adds the session's cookie by itself. A
// browser says so in Sec-Fetch-Site, which no page can set. Where it does not, as over plain HTTP, the request's Origin has to be the host
// that it was sent to. A request that says neither is refused.
func sameOrigin(r *http.Request) error {
	site, told := r.Header["Sec-Fetch-Site"]
	if told && len(site) == 1 && site[0] == "same-origin" {
		return nil
	}
	origins := r.Header["Origin"]
	if !told && len(origins) == 1 && originIs(origins[0], r.Host) {
		return nil
	}
	const refused = "This request did not come from this service's own pages"
	switch {
	case told: // by the browser itself, and no proxy makes that up
		return authz.Errorf(authz.PermissionDenied, refused)
	case len(origins) == 0:
		return authz.Errorf(authz.PermissionDenied, refused+", or a proxy in front has left out both Origin and Sec-Fetch-Site: let it pass them on as they came")
	}
	return authz.Errorf(authz.PermissionDenied, refused+", or a proxy in front has put another Host: let it pass Host on as the browser sent it, with its port; X-Forwarded-Host is not read")
}

// originIs reports whether an origin has the host and the port that a request was sent to, by its header Host. Of a port that this does not
// say is assumed that it is the one of the origin's scheme: whether the client came by TLS the proxy knows.
func originIs(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || origin != u.Scheme+"://"+u.Host { // so it has nothing else, and is not "null"
		return false
	}
	usual, ok := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	theirs, valid := hostPort(u.Host, usual)
	ours, alsoValid := hostPort(host, usual)
	return ok && valid && alsoValid && theirs == ours
}

// hostPort adds the usual port to a host without one. Letters are small then.
func hostPort(host, usual string) (withPort string, ok bool) {
	if strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']') { // which ends an address of IPv6
		host += ":" + usual
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || name == "" {
		return "", false
	}
	if port == "" {
		port = usual
	}
	return strings.ToLower(net.JoinHostPort(name, port)), true
}
