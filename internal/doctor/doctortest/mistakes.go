// SPDX-License-Identifier: Apache-2.0

package doctortest

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// A Mistake is one that gateways make.
type Mistake struct {
	Name string
	// Kind is what the doctor is to call it, and Says a part of how.
	Kind, Says string
	make       func(*Gateway)
}

// askAbout changes what is asked, and nothing else.
func askAbout(change func(in *authzv1.AuthorizeRequest, r *http.Request)) func(*Gateway) {
	return func(g *Gateway) {
		g.question = func(r *http.Request) *authzv1.AuthorizeRequest {
			in := question(r)
			change(in, r)
			return in
		}
	}
}

// passOn passes more headers on.
func (g *Gateway) passOn(more func(name string) bool) {
	passes := g.passes
	g.passes = func(name string) bool { return passes(name) || more(name) }
}

// Mistakes are all of them.
var Mistakes = []Mistake{
	{"asks about the decoded path", "BYPASS", "/api/%70rojects arrived, and the service refuses it: 400 Malformed request path",
		askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) { in.Path = r.URL.Path })},
	{"decodes the path, and asks about it", "CHANGED",
		"GET /api/%70rojects was sent, which the service refuses (400 Malformed request path), and GET /api/projects arrived",
		func(g *Gateway) {
			askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) { in.Path = r.URL.Path })(g)
			g.target = func(r *http.Request) string { return r.URL.Path }
		}},
	{"decodes the path behind the decision", "BYPASS", "GET /api/projects/%22%3c%3E%5b was sent, GET ", func(g *Gateway) {
		g.target = func(r *http.Request) string { return r.URL.Path }
	}},
	{"merges slashes, and asks about it", "CHANGED", "GET /api//projects was sent, which the service refuses (400 Malformed request path), and " +
		"GET /api/projects arrived",
		func(g *Gateway) {
			askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) { in.Path = merged(r) })(g)
			g.target = merged
		}},
	{"asks about the clean path, and forwards the other", "BYPASS", "GET /assets/../api/projects arrived, and the service refuses it: 400",
		askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) { in.Path = path.Clean(r.URL.EscapedPath()) })},
	{"drops the query", "CHANGED", `GET /api/projects?page=2&q=a%20b was sent, and GET /api/projects arrived`, func(g *Gateway) {
		g.target = func(r *http.Request) string { before, _, _ := strings.Cut(r.RequestURI, "?"); return before }
	}},
	{"believes X-Original-URL", "BYPASS", "GET /api/system/settings arrived, and the service refuses it: 401",
		askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) {
			if other := r.Header.Get("X-Original-Url"); other != "" {
				in.Path = other
			}
		})},
	{"asks with its own method", "BYPASS", "arrived, and the service refuses it: 403 This API key is read-only",
		askAbout(func(in *authzv1.AuthorizeRequest, _ *http.Request) { in.Method = "GET" })},
	{"believes X-HTTP-Method-Override", "BYPASS", "DELETE /api/projects/aeroplane-authz-doctor arrived, and the service refuses it: 403",
		askAbout(func(in *authzv1.AuthorizeRequest, r *http.Request) {
			if other := r.Header.Get("X-Http-Method-Override"); other != "" {
				in.Method = other
			}
		})},
	{"repairs the method", "CHANGED", "get /api/projects/aeroplane-authz-doctor was sent, which the service refuses (405 Method not allowed), and GET ",
		func(g *Gateway) {
			g.before = func(_ http.ResponseWriter, r *http.Request) bool { r.Method = strings.ToUpper(r.Method); return false }
		}},
	{"asks with the last of two keys", "BYPASS", "arrived, and the service refuses it with the headers that were sent: 401 Invalid or expired API key",
		func(g *Gateway) {
			g.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if all := r.Header["Authorization"]; len(all) > 1 {
					r.Header["Authorization"] = all[len(all)-1:]
				}
				return false
			}
		}},
	{"lets pass what it could not ask about", "BYPASS", "about which the service cannot be asked: no decision was taken for a yes", func(g *Gateway) {
		g.open, g.sound = true, func(*http.Request) bool { return true }
	}},
	{"asks nobody", "BYPASS", "GET /api/projects arrived, and the service refuses it: 401 Authentication required", func(g *Gateway) {
		g.before = func(w http.ResponseWriter, r *http.Request) bool {
			g.forward(w, r)
			return true
		}
	}},
	{"adds identity headers to the client's", "FORGED", "arrived as the client made them up: Aeroplane-Caller, Aeroplane-Key", func(g *Gateway) {
		g.passOn(func(name string) bool { return strings.HasPrefix(name, "Aeroplane-") })
		g.identify = func(header http.Header, values [len(door.Names)]string) {
			for n, name := range door.Names {
				header.Add(name, values[n])
			}
		}
	}},
	{"sets only what there is to tell", "FORGED", "did not arrive: Aeroplane-User, Aeroplane-Role", func(g *Gateway) {
		g.identify = func(header http.Header, values [len(door.Names)]string) {
			for n, name := range door.Names {
				if values[n] != door.None {
					header.Set(name, values[n])
				}
			}
		}
	}},
	{"passes on look-alikes", "FORGED", "arrived, and may pass for identity headers: ", func(g *Gateway) {
		g.passOn(func(name string) bool { return strings.HasPrefix(strings.ToLower(name), "aeroplane_") })
	}},
	{"tells the wrong caller", "FORGED", "not as granted: Aeroplane-Caller is session, granted was key", func(g *Gateway) {
		identify := g.identify
		g.identify = func(header http.Header, values [len(door.Names)]string) {
			if values[0] == "key" {
				values[0] = "session"
			}
			identify(header, values)
		}
	}},
	{"tells nobody", "FORGED", "no identity header arrived with any request", func(g *Gateway) {
		g.identify = func(http.Header, [len(door.Names)]string) {}
	}},
	{"passes on trailers", "FORGED", "arrived behind the body, as the client made them up: Aeroplane-Caller", func(g *Gateway) { g.trailers = true }},
	{"drops what Connection names", "CHANGED", "the header authorization did not arrive, with which the request was allowed",
		func(g *Gateway) { g.sound = func(*http.Request) bool { return true } }},
	{"passes on aliases of credentials", "FORGED", "an alias of a credential arrived, which the service did not look at: X_api_key of x-api-key",
		func(g *Gateway) { g.passOn(func(name string) bool { return strings.EqualFold(name, "x_api_key") }) }},
	{"keeps answers", "BYPASS", "the client got the upstream's answer to another request, kept or mixed up, and the service refuses this one: 401", keepAnswers},
	{"refuses in its own words", "DIFFERS", "the body is not the documented one", func(g *Gateway) {
		g.refuse = func(w http.ResponseWriter, refusal door.Refusal) { http.Error(w, refusal.Text, refusal.Status) }
	}},
	{"refuses everything", "SHUT", "the service allows it, and the gateway did not pass it on: status 403", func(g *Gateway) {
		g.before = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.RequestURI, "/aeroplane-authz-doctor-") || strings.HasPrefix(r.RequestURI, "/api/projects?aeroplane-authz-doctor-") {
				return false // else the doctor would not begin
			}
			g.refuse(w, door.Refusal{Status: 403, Text: "Forbidden"})
			return true
		}
	}},
}

// Leaky tells the upstream the key itself instead of its id.
var Leaky = Mistake{Name: "tells the key itself", Kind: "FORGED", Says: "not as granted: Aeroplane-Key is ", make: func(g *Gateway) {
	identify := g.identify
	g.identify = func(header http.Header, values [len(door.Names)]string) {
		if text, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer "); ok {
			values[1] = text
		}
		identify(header, values)
	}
}}

// Discreet keeps credentials from the upstream, which is no mistake.
var Discreet = Mistake{Name: "keeps credentials to itself", make: func(g *Gateway) {
	passes := g.passes
	g.passes = func(name string) bool {
		return passes(name) && name != "Authorization" && name != "X-Api-Key" && name != "Cookie"
	}
}}

func merged(r *http.Request) string {
	before, query, found := strings.Cut(r.RequestURI, "?")
	for strings.Contains(before, "//") {
		before = strings.ReplaceAll(before, "//", "/")
	}
	if found {
		before += "?" + query
	}
	return before
}

// forward passes a request on without a decision.
func (g *Gateway) forward(w http.ResponseWriter, r *http.Request) {
	g.proxy.ServeHTTP(w, r.WithContext(withForwarding(r, forwarding{g.target(r), values(nil)})))
}

// keepAnswers keeps the answers to GET by their targets, whoever asked.
func keepAnswers(g *Gateway) {
	var mu sync.Mutex
	type kept struct {
		header http.Header
		body   []byte
	}
	answers := make(map[string]kept) // guarded by mu
	g.before = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		answer, ok := answers[r.Method+r.RequestURI]
		mu.Unlock()
		if ok {
			for name, values := range answer.header {
				w.Header()[name] = values
			}
			_, _ = w.Write(answer.body)
		}
		return ok
	}
	g.after = func(r *http.Request, response *http.Response) {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return
		}
		response.Body = io.NopCloser(bytes.NewReader(body))
		if r.Method == http.MethodGet {
			mu.Lock()
			answers[r.Method+r.Context().Value(key{}).(forwarding).target] = kept{response.Header.Clone(), body}
			mu.Unlock()
		}
	}
}
