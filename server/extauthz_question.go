// SPDX-License-Identifier: Apache-2.0

package server

import (
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// A check is the question of a CheckRequest, in which the request stands among much that nobody asks about.
type check struct {
	question
	http         bool // there is an HTTP request in it
	method, path string
	// The headers, each line as it was received. hasLines: the gateway sends them so, and no credential is looked for among joined.
	lines    authz.CredentialHeaders
	hasLines bool
	// The headers, with those of one name joined by commas.
	joined authz.CredentialHeaders
	// The body of the request, in one of two fields.
	body, rawBody                string
	partial                      bool // this is a part of it
	contentType, contentEncoding []string
	drop                         []string // names of headers that have to go where the request may pass

	room [6][1]string // for the headers, which come once as a rule
}

// clear makes the check one of nothing.
func (c *check) clear() {
	*c = check{}
	for i, values := range []*[]string{
		&c.lines.Authorization, &c.lines.APIKey, &c.lines.Cookie, &c.joined.Authorization, &c.joined.APIKey, &c.joined.Cookie,
	} {
		*values = c.room[i][:0]
	}
}

func (c *check) copyOf(data mem.BufferSlice) string { return textOf(data) }

func (c *check) readAny(codec encoding.CodecV2, data mem.BufferSlice) error {
	c.clear()
	in := new(authv3.CheckRequest)
	if err := codec.Unmarshal(data, in); err != nil { // which gRPC would answer with an error
		c.refused = authz.Errorf(authz.Invalid, "the gateway's question cannot be read").Because(err)
		return nil
	}
	http := in.GetAttributes().GetRequest().GetHttp()
	c.http, c.method, c.path = http != nil, http.GetMethod(), http.GetPath()
	for _, name := range slices.Sorted(maps.Keys(http.GetHeaders())) {
		c.addJoined(name, http.GetHeaders()[name])
	}
	c.hasLines = http.GetHeaderMap() != nil
	for _, h := range http.GetHeaderMap().GetHeaders() {
		c.addLine(h.GetKey(), valueOf(h))
	}
	c.body, c.rawBody = http.GetBody(), string(http.GetRawBody())
	c.finish()
	return nil
}

func valueOf(h *corev3.HeaderValue) string {
	if raw := h.GetRawValue(); len(raw) > 0 {
		return string(raw)
	}
	return h.GetValue()
}

// addLine adds a header as it was received.
func (c *check) addLine(name, value string) {
	if !c.lines.Add(name, value) {
		c.note(name, value)
	}
}

// addJoined adds all headers of one name. A comma may have been put there when two were joined, and so it counts as two: nobody sends
// a good key with one.
func (c *check) addJoined(name, value string) {
	if !c.joined.Add(name, value) {
		c.note(name, value)
		return
	}
	if strings.IndexByte(value, ',') >= 0 && !door.SameName(name, "cookie") { // see finish
		c.joined.Add(name, value)
	}
}

// note takes what headers say of the body, and which of them may mislead an upstream.
func (c *check) note(name, value string) {
	switch {
	case door.SameName(name, "x-envoy-auth-partial-body"):
		c.partial = c.partial || value != "false"
	case door.SameName(name, "content-type"):
		c.contentType = append(c.contentType, value)
	case door.SameName(name, "content-encoding"):
		c.contentEncoding = append(c.contentEncoding, value)
	case door.Alias(name, "content-type"), door.Alias(name, "content-encoding"): // whichever of the two is believed
		c.contentEncoding = append(c.contentEncoding, value)
	case door.Ambiguous(name), door.Misleads(name):
		c.drop = append(c.drop, name)
	}
}

// finish makes the question of what was read.
func (c *check) finish() {
	if !c.http {
		c.question = question{refused: invalid("attributes.request.http", "must be set: HTTP requests are decided on, and nothing else")}
		return
	}
	f := fields{method: c.method, path: c.path}
	f.pickFrom(*c.headers())
	// Cookies are joined by semicolons as a rule, and a comma may be part of one. But where a second session would follow a comma it is not
	// known which of the two is the first to an upstream, and no key is there to hide them.
	if !c.hasLines && f.credential.Kind != authz.KeyCredential && c.joined.MayHideSession() {
		f.credential = authz.Credential{Kind: authz.ContradictoryCredential}
	}
	if body := c.body + c.rawBody; body != "" && !c.partial && door.PlainJSON(c.contentType, c.contentEncoding) {
		if target := door.TransferTarget([]byte(body)); target != nil {
			f.target, f.hasTarget = *target, true
		}
	}
	c.ask(&f)
}

// headers are those of the request, each line as it was received if that is known.
func (c *check) headers() *authz.CredentialHeaders {
	if c.hasLines {
		return &c.lines
	}
	return &c.joined
}
