// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"path"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/openapi"
)

// consolePath is what everything is under that may be reached from outside besides Aeroplane: the page for API access, and the API in JSON.
// A proxy passes it on as it is.
const consolePath = "/authz"

// A consoleDoor is the API in JSON, for administrators' tokens and for browsers, and the page that uses it.
type consoleDoor struct {
	*decider
	rest http.Handler
}

func newConsole(d *decider, local *Local, issuer *authz.Issuer) *consoleDoor {
	return &consoleDoor{decider: d, rest: newREST(&visit{Local: local, issuer: issuer})}
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
	switch {
	case r.URL.RawPath != "" || within != "" && within != "/" && path.Clean(within) != within:
		// A proxy's rules for paths may have read another spelling in another way.
		writeStatus(w, http.StatusBadRequest, status.New(codes.InvalidArgument, "The path must be in its plain spelling"))
	case strings.HasPrefix(within, "/v1/"):
		h.Set("Cache-Control", "no-store")
		d.call(w, r, within)
	case within == "/openapi.json":
		if only(w, r, http.MethodGet, http.MethodHead) {
			writeJSON(w, http.StatusOK, openapi.Document)
		}
	default:
		_ = noSuchPage.Write(w)
	}
}
