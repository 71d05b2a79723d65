// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

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
