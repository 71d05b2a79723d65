// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"path"
	"strings"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/console"
	"aeroplane.run/authz/internal/openapi"
)

// consolePath is what everything is under that may be reached from outside besides Aeroplane: the page for API access, and the API in JSON.
// A proxy passes it on as it is.
const consolePath = "/authz"

// What there is within, besides the files of the page.
const (
	callsPath    = "/v1"
	documentPath = "/openapi.json"
	whoPath      = "/session"
	signInPath   = "/sign-in"
	signOutPath  = "/sign-out"
	livePath     = "/live"
)

// A consoleEndpoint is one of them.
type consoleEndpoint struct {
	methods []string
	serve   func(d *consoleDoor, w http.ResponseWriter, r *http.Request)
}

var consoleEndpoints = map[string]consoleEndpoint{
	documentPath: {[]string{http.MethodGet, http.MethodHead}, (*consoleDoor).document},
	whoPath:      {[]string{http.MethodGet}, (*consoleDoor).who},
	livePath:     {[]string{http.MethodGet}, (*consoleDoor).live},
	signInPath:   {[]string{http.MethodPost}, (*consoleDoor).signIn},
	signOutPath:  {[]string{http.MethodPost}, (*consoleDoor).signOut},
}

// A consoleDoor is the API in JSON, for administrators' tokens and for browsers, and the page that uses it.
type consoleDoor struct {
	*decider
	page     *console.Page
	rest     http.Handler
	sessions *authz.Console
	follower authz.Follower

	looking chan struct{} // holds one for each look-up of a console session
	streams liveStreams
	ending  context.Context // ends with the server
	end     context.CancelFunc
}

// newConsole returns a console whose visitors are judged as requests are by d, which does not count them: how often that is done goes by how
// many pages are open.
func newConsole(d *decider, c *HTTPConfig, t *turns) *consoleDoor {
	door := &consoleDoor{decider: d, page: console.New(), sessions: c.Console, follower: c.Follower, rest: newREST(&visit{Local: c.API, issuer: c.Issuer, turns: t}),
		looking: make(chan struct{}, maxLooking), streams: liveStreams{of: make(map[streamsOf]int)}}
	door.ending, door.end = context.WithCancel(context.Background())
	return door
}

// means reports whether a request is one for the console.
func (d *consoleDoor) means(r *http.Request) bool {
	return r.URL.Path == consolePath || strings.HasPrefix(r.URL.Path, consolePath+"/")
}

// serve answers a request that is for the console.
func (d *consoleDoor) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin") // nothing of this is for other sites' pages
	within := strings.TrimPrefix(r.URL.Path, consolePath)
	endpoint, ok := consoleEndpoints[within]
	switch {
	case r.URL.RawPath != "" || within != "" && within != "/" && path.Clean(within) != within:
		// A proxy's rules for paths may have read another spelling in another way.
		writeStatus(w, http.StatusBadRequest, statusOf(authz.Errorf(authz.Invalid, "The path must be in its plain spelling")))
	case strings.HasPrefix(within, callsPath+"/"):
		h.Set("Cache-Control", "no-store")
		d.call(w, r, within)
	case within == "":
		w.Header().Set("Location", consolePath[1:]+"/") // relative: a proxy may have put it elsewhere
		w.WriteHeader(http.StatusMovedPermanently)
	case d.page.Has(within):
		if only(w, r, http.MethodGet, http.MethodHead) {
			d.page.Serve(w, r, within)
		}
	case !ok:
		_ = noSuchPage.Write(w)
	case r.Method != http.MethodPost && r.ContentLength != 0:
		// Nor is one waited for, in an answer that lasts.
		writeStatus(w, http.StatusBadRequest, statusOf(authz.Errorf(authz.Invalid, "this page takes no body")))
	case only(w, r, endpoint.methods...):
		endpoint.serve(d, w, r)
	}
}

// refuse answers a request for one of the pages that came to nothing. It is logged, but not by its own path, which may be anything.
func (d *consoleDoor) refuse(w http.ResponseWriter, r *http.Request, page string, err error) {
	writeError(w, d.guard.tell(r.Context(), consolePath+page, reads, authz.Actor{}, err), err, "")
}

// document answers what there is to be called.
func (d *consoleDoor) document(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, openapi.Document)
}
