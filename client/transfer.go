// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"aeroplane.run/authz/internal/door"
)

// transferTarget returns the project that the body of a transfer names, nil if none is seen, and the body as next has to get it: every
// byte, and the same error. Of other requests the body is not touched.
func transferTarget(r *http.Request) (*string, io.ReadCloser) {
	if r.Body == nil || !mayTransfer(r) || r.ContentLength > door.MaxTransferBody || !plainJSON(r.Header) {
		return nil, r.Body
	}
	start, err := io.ReadAll(io.LimitReader(r.Body, door.MaxTransferBody+1))
	restored := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), r.Body), r.Body}
	if err != nil {
		restored.Reader = io.MultiReader(bytes.NewReader(start), broken{err})
		return nil, restored
	}
	return door.TransferTarget(start), restored
}

// broken is the rest of a body that could not be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// plainJSON reports whether headers say of a body that it is JSON, and no header passes for one that says otherwise.
func plainJSON(h http.Header) bool {
	for name := range h {
		if door.Alias(name, "content-type") || door.Alias(name, "content-encoding") {
			return false
		}
	}
	return door.PlainJSON(h["Content-Type"], h["Content-Encoding"])
}

// mayTransfer reports whether the route of a request may be that of a transfer, by the method and the path of the route table's rows. It
// is the service that decides: elsewhere a target is not looked at.
func mayTransfer(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return false
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	service, ok := strings.CutPrefix(path, "/api/services/")
	_, below, _ := strings.Cut(service, "/")
	return ok && (below == "transfer" || strings.HasPrefix(below, "transfer/"))
}
