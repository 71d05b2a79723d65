// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"strconv"

	"aeroplane.run/authz/internal/door"
)

// The headers that tell a proxy of a dialect with three statuses what to answer its client.
const (
	realStatus = "Aeroplane-Status"
	realError  = "Aeroplane-Error" // the text, as it stands in JSON
)

// forwardAuth answers a proxy that asks about its client's request: 200 with the identity headers for the upstream, or a refusal for
// the client. The request's own method, path and body tell nothing.
func (s *HTTPServer) forwardAuth(w http.ResponseWriter, r *http.Request, d dialect) {
	refusal, ok := s.forward(w.Header(), r, d)
	if ok {
		w.WriteHeader(http.StatusOK)
		return
	}
	if d.three {
		w.Header().Set(realStatus, strconv.Itoa(refusal.Status))
		w.Header().Set(realError, refusal.JSONText())
		if refusal.Status != http.StatusUnauthorized {
			refusal.Status = http.StatusForbidden
		}
	}
	_ = refusal.Write(w) // the proxy has gone, or all is well
}

// forward decides, and writes the headers of an allow.
func (s *HTTPServer) forward(to http.Header, r *http.Request, d dialect) (refusal door.Refusal, ok bool) {
	ctx, cancel := context.WithTimeout(r.Context(), maxWait)
	defer cancel()
	var err error
	defer func() {
		if panicked := recover(); panicked != nil || err != nil {
			refusal, ok = s.guard.refuse(ctx, d.path(), s.guard.contain(d.path(), panicked, err)), false
		}
	}()
	gateway, err := s.askedBy(ctx, r.Header)
	if err != nil {
		return
	}
	var result result
	if err = s.decide(context.WithValue(ctx, gatewayKey{}, gateway), d.question(r.Header), false, &result); err != nil {
		return
	}
	if reason := result.decision.Reason; !result.decision.Allowed {
		return door.Refusal{Status: reason.HTTPStatus(), Text: reason.String()}, false
	}
	identity, err := identityOf(&result.decision.Grant)
	if err != nil {
		return
	}
	for i, name := range door.Names {
		to[name] = identity[i : i+1 : i+1]
	}
	to["Cache-Control"] = []string{"no-store"}
	return door.Refusal{}, true
}
