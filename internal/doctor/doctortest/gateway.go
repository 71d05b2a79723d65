// SPDX-License-Identifier: Apache-2.0

// Package doctortest has a gateway that is right, and the mistakes that gateways make, each on purpose: what the doctor has to see.
package doctortest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// Ask asks the service, with its token.
type Ask func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error)

// A Gateway is a reverse proxy. As New makes it, it is right; a Mistake changes what it does.
type Gateway struct {
	ask   Ask
	proxy *httputil.ReverseProxy

	sound    func(*http.Request) bool                            // whether a request can be asked about as it will be passed on
	question func(*http.Request) *authzv1.AuthorizeRequest       // what is asked
	target   func(*http.Request) string                          // what is forwarded
	passes   func(name string) bool                              // which headers are passed on
	identify func(header http.Header, v [len(door.Names)]string) // how the upstream is told who is calling
	refuse   func(w http.ResponseWriter, refusal door.Refusal)   // how a client is refused
	trailers bool                                                // whether trailers are passed on
	open     bool                                                // whether no decision is taken for a yes
	before   func(w http.ResponseWriter, r *http.Request) bool   // answers by itself, and reports whether it did
	after    func(r *http.Request, response *http.Response)      // sees the upstream's answers
}

// forwarding is what a request's context has of the decision on it.
type forwarding struct {
	target   string
	identity [len(door.Names)]string
}

type key struct{}

// New returns a gateway that is right, but for mistakes. upstream is a host and a port.
func New(ask Ask, upstream string, mistakes ...Mistake) *Gateway {
	g := &Gateway{
		ask: ask, sound: sound, question: question,
		target: func(r *http.Request) string { return r.RequestURI },
		passes: func(name string) bool {
			return slices.Contains([]string{"Accept", "Authorization", "X-Api-Key", "Cookie", "Content-Type", "User-Agent", "Origin"}, name)
		},
		identify: func(header http.Header, values [len(door.Names)]string) {
			for n, name := range door.Names {
				header.Set(name, values[n])
			}
		},
		refuse: func(w http.ResponseWriter, refusal door.Refusal) { _ = refusal.Write(w) },
		before: func(http.ResponseWriter, *http.Request) bool { return false },
		after:  func(*http.Request, *http.Response) {},
	}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: g.rewrite(upstream),
		ModifyResponse: func(response *http.Response) error {
			g.after(response.Request, response)
			return nil
		},
		Transport: &http.Transport{DisableCompression: true},
	}
	for _, m := range mistakes {
		m.make(g)
	}
	return g
}

// Start serves a gateway until the test ends, and returns its URL.
func Start(t testing.TB, g http.Handler) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: g, ErrorLog: nil}}
	server.Start()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.before(w, r) {
		return
	}
	if !g.sound(r) {
		g.refuse(w, door.Refusal{Status: 400, Text: "Malformed request path"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	answer, err := g.ask(ctx, g.question(r))
	if err != nil && !g.open {
		g.refuse(w, door.Refusal{Status: 503, Text: door.Unavailable})
		return
	}
	if err == nil && !answer.Allowed {
		g.refuse(w, door.Refusal{Status: int(answer.Denial.HttpStatus), Text: answer.Denial.Message})
		return
	}
	f := forwarding{g.target(r), values(answer.GetGrant())}
	g.proxy.ServeHTTP(w, r.WithContext(withForwarding(r, f)))
}

func withForwarding(r *http.Request, f forwarding) context.Context {
	return context.WithValue(r.Context(), key{}, f)
}

func (g *Gateway) rewrite(upstream string) func(*httputil.ProxyRequest) {
	return func(p *httputil.ProxyRequest) {
		f := p.In.Context().Value(key{}).(forwarding)
		p.Out.URL = &url.URL{Scheme: "http", Host: upstream, Opaque: f.target}
		p.Out.Host = p.In.Host
		for name := range p.Out.Header {
			if !g.passes(name) {
				delete(p.Out.Header, name)
			}
		}
		if p.Out.Trailer = nil; g.trailers {
			p.Out.Trailer = p.In.Trailer // one map, into which they are read behind the body
		}
		g.identify(p.Out.Header, f.identity)
	}
}

// sound reports whether all of a question is UTF-8, and Connection names nothing that the proxy would drop.
func sound(r *http.Request) bool {
	for _, values := range r.Header {
		if !utf8.ValidString(strings.Join(values, "")) {
			return false
		}
	}
	for named := range strings.SplitSeq(strings.Join(r.Header["Connection"], ","), ",") {
		if n := strings.ToLower(strings.TrimSpace(named)); n != "" && n != "close" && n != "keep-alive" {
			return false
		}
	}
	return utf8.ValidString(r.Method + r.RequestURI)
}

func question(r *http.Request) *authzv1.AuthorizeRequest {
	return &authzv1.AuthorizeRequest{
		Method: r.Method, Path: r.RequestURI,
		Credential: &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
			Authorization: r.Header["Authorization"], XApiKey: r.Header["X-Api-Key"], Cookie: r.Header["Cookie"],
		}},
	}
}

// values are the identity headers of a grant.
func values(g *authzv1.Grant) (v [len(door.Names)]string) {
	h, err := client.IdentityHeaders(g)
	if err != nil {
		panic(err) // a fixture with more projects than a test needs
	}
	for i, name := range door.Names {
		v[i] = h.Get(name)
	}
	return v
}
