// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// A dialect is how a proxy tells of the request that it asks about. Which one is spoken is in the path, so that nothing is guessed: in
// each, a client could write the headers of the others.
type dialect struct {
	name        string
	method, uri string // the headers that hold the request's method, and its target, in net/http's spelling
	// three says that the proxy knows of three statuses: allowed, 401 and 403. Others it takes for a failure of ours.
	three bool
}

var dialects = []dialect{
	{name: "caddy", method: "X-Forwarded-Method", uri: "X-Forwarded-Uri"},
	{name: "traefik", method: "X-Forwarded-Method", uri: "X-Forwarded-Uri"},
	{name: "haproxy", method: "X-Forwarded-Method", uri: "X-Forwarded-Uri"},
	{name: "nginx", method: "X-Original-Method", uri: "X-Original-Uri", three: true},
}

// path is where the dialect is spoken.
func (d dialect) path() string { return "/forward-auth/" + d.name }

// question makes a question of a proxy's request: of its headers alone. A header that a client could have added, because it is there
// twice or under another name, makes it a bad one.
func (d dialect) question(h http.Header) *question {
	for name := range h {
		for _, want := range [...]string{d.method, d.uri} {
			if len(name) == len(want) && door.Alias(name, strings.ToLower(want)) {
				return &question{refused: invalid(want, "came under the name %s as well, which other programs may take for it", clip(name))}
			}
		}
	}
	method, err := one(h, d.method)
	if err != nil {
		return &question{refused: err}
	}
	target, err := one(h, d.uri)
	if err != nil {
		return &question{refused: err}
	}
	f := fields{method: method, path: target}
	f.pickFrom(authz.CredentialHeaders{Authorization: h["Authorization"], APIKey: h["X-Api-Key"], Cookie: h["Cookie"]})
	q := new(question)
	q.ask(&f)
	return q
}

// one returns the value of a header that has to be there once.
func one(h http.Header, name string) (string, error) {
	switch values := h[name]; {
	case len(values) == 0:
		return "", invalid(name, "is missing: the gateway has to set it to what it received")
	case len(values) > 1:
		return "", invalid(name, "came %d times: the gateway has to set it in place of the client's", len(values))
	case values[0] == "":
		return "", invalid(name, "is empty")
	default:
		return values[0], nil
	}
}
