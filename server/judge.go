// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// browsing returns the session on whose strength a request may pass. A route table of the operator's own may let others pass.
func browsing(g *authz.Grant) (*authz.Session, error) {
	if g.Principal.Session == nil {
		return nil, authz.Errorf(authz.PermissionDenied, "%s", authz.BrowserSessionRequired.String())
	}
	return g.Principal.Session, nil
}

// errUndecided says that no decision was reached on who asks.
var errUndecided = &authz.Error{Kind: authz.Unavailable, Message: door.Unavailable}

// errorOf is a refusal as an error.
func errorOf(refusal *door.Refusal) error {
	switch refusal.Status {
	case http.StatusUnauthorized:
		return authz.Errorf(authz.Unauthenticated, "%s", refusal.Text)
	case http.StatusForbidden:
		return authz.Errorf(authz.PermissionDenied, "%s", refusal.Text)
	}
	return errUndecided
}

// judge decides whether a request that is for us may pass, by its own headers, and by the method and the target that are given. It returns
// on whose strength, or a refusal. asker is what the log calls who asks.
func (d *decider) judge(r *http.Request, asker, method, target string) (grant *authz.Grant, refusal *door.Refusal) {
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), gatewayKey{}, asker), maxWait)
	defer cancel()
	var err error
	defer func() {
		if panicked := recover(); panicked != nil || err != nil {
			undecided := d.guard.refuse(ctx, keysPath, d.guard.contain(keysPath, panicked, err))
			grant, refusal = nil, &undecided
		}
	}()
	f := fields{method: method, path: target}
	f.pickFrom(authz.CredentialHeaders{Authorization: r.Header["Authorization"], APIKey: r.Header["X-Api-Key"], Cookie: r.Header["Cookie"]})
	var q question
	q.ask(&f)
	var result result
	if err = d.decide(ctx, &q, false, &result); err != nil {
		return nil, nil // as the above says
	}
	if reason := result.decision.Reason; !result.decision.Allowed {
		return nil, &door.Refusal{Status: reason.HTTPStatus(), Text: reason.String()}
	}
	return &result.decision.Grant, nil
}
