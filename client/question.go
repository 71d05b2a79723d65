// SPDX-License-Identifier: Apache-2.0

package client

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// What a client is told whose request cannot be asked about. The first two are texts of the service (behaviour 4).
const (
	methodNotAllowed = "Method not allowed"
	malformedPath    = "Malformed request path"
	malformed        = "Malformed request"
	malformedHeaders = "Malformed request headers"
	ambiguousName    = "A request header has a name that may be taken for another"
	droppedOnTheWay  = "Connection names a header that has to reach the upstream"
)

// questionOf is what to ask about a request, as it was received, or why it cannot be asked about.
func questionOf(r *http.Request) (*authzv1.AuthorizeRequest, *door.Refusal) {
	if !utf8.ValidString(r.Method) {
		return nil, &door.Refusal{Status: http.StatusMethodNotAllowed, Text: methodNotAllowed}
	}
	headers := new(authzv1.CredentialHeaders)
	text := malformedPath
	if utf8.ValidString(r.RequestURI) {
		if text = read(r.Header, headers); text == "" {
			return &authzv1.AuthorizeRequest{
				Method: r.Method, Path: r.RequestURI, Credential: &authzv1.AuthorizeRequest_Headers{Headers: headers},
			}, nil
		}
	}
	return nil, &door.Refusal{Status: http.StatusBadRequest, Text: text}
}

// read finds every line of the headers that may carry a credential, or says why the client has to be refused.
func read(h http.Header, c *authzv1.CredentialHeaders) (refused string) {
	for name, lines := range h {
		var to *[]string
		switch {
		case door.SameName(name, "authorization"):
			to = &c.Authorization
		case door.SameName(name, "x-api-key"):
			to = &c.XApiKey
		case door.SameName(name, "cookie"):
			to = &c.Cookie
		case door.SameName(name, "connection"):
			if !slices.ContainsFunc(lines, namesEndToEnd) {
				continue
			}
			return droppedOnTheWay
		case door.Ambiguous(name):
			return ambiguousName
		default:
			continue
		}
		for _, line := range lines {
			if !utf8.ValidString(line) {
				return malformedHeaders
			}
		}
		*to = append(*to, lines...)
	}
	return ""
}

func isIdentity(name string) bool {
	return slices.ContainsFunc(door.LowerNames[:], func(n string) bool { return door.SameName(name, n) })
}

// namesEndToEnd reports whether a line of Connection names a header that is not for the next hop alone. A proxy drops what is named
// there, an identity header as well that the middleware has set, and so may next. What clients do name is listed: h2c is asked for
// with http2-settings, which Java's client does by itself.
func namesEndToEnd(line string) bool {
	for named := range strings.SplitSeq(line, ",") {
		switch strings.ToLower(strings.Trim(named, " \t")) {
		case "", "close", "keep-alive", "upgrade", "te", "http2-settings":
		default:
			return true
		}
	}
	return false
}

// passedHeaders are those of the client that next gets: no identity, no other request than was decided on, and no Upgrade but to a websocket.
func passedHeaders(h http.Header) http.Header {
	out := make(http.Header, len(h)+len(door.Names))
	for name, lines := range h {
		if !isIdentity(name) && !door.Misleads(name) {
			out[name] = slices.Clone(lines)
		}
	}
	if up := out["Upgrade"]; len(up) != 1 || !strings.EqualFold(up[0], "websocket") {
		delete(out, "Upgrade")
		delete(out, "Http2-Settings")
	}
	return out
}
