// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"time"

	"aeroplane.run/authz"
)

// consoleName stands in audit records and logs where the name of a caller's token stands otherwise, where somebody changes keys by Aeroplane's
// session. The role beside it is that of the service itself, as for the dashboard.
const consoleName = "console"

// A visitor is who calls the JSON API. Exactly one of caller and session is set.
type visitor struct {
	// caller is an administrator, by its token, or by a console session which that token has opened.
	caller *Caller
	// session is Aeroplane's own, of one of its users.
	session *authz.Session
	// browser: the visitor is known by a cookie, which a browser adds by itself to whatever any page sends.
	browser bool
	// console is what a console session is known by, and until when it ends. Zero: it is none.
	console authz.Digest
	until   time.Time
	// again finds out who calls once more: much may have happened while a body came in, or while others' calls were waited for.
	again func(context.Context) (*visitor, error)
}

type visitorKey struct{}

// visitorOf returns who calls, or nil where the call did not come by the JSON API.
func visitorOf(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// everybodys reports whether the visitor sees what belongs to whatever user: administrators, and the sessions of owners.
func (v *visitor) everybodys() bool {
	return v.caller != nil || v.session.Role == authz.UserRoleOwner
}

// actor returns who makes a change. A session acts for its own user, whatever else is said.
func (v *visitor) actor(ctx context.Context) (authz.Actor, error) {
	if v.caller != nil {
		return v.caller.actor(ctx)
	}
	return authz.Actor{Role: authz.CallerRoleSystem, TokenName: consoleName, UserID: v.session.UserID, Address: addressOf(ctx)}, nil
}

// visitor returns who has sent a request. A token or a key in it hides any cookie, also one that is no good; a console session, which was
// opened on purpose, hides Aeroplane's. Errors: Unauthenticated, PermissionDenied, and those of a decision that was not reached.
func (d *consoleDoor) visitor(r *http.Request) (v *visitor, err error) {
	defer func() { err = d.guard.contain(consolePath, recover(), err) }()
	if values := r.Header["Authorization"]; len(values) > 0 {
		caller, err := d.guard.callers.identify(values, "header Authorization")
		if err != nil {
			return nil, sayingWhatToSend(err)
		}
		if caller.Role != authz.CallerRoleAdmin {
			return nil, authz.Errorf(authz.PermissionDenied, "a token of the role %s may not call this: gateways ask over gRPC, ext_authz, forward-auth or AuthZEN", caller.Role)
		}
		return &visitor{caller: caller}, nil
	}
	if err := oneCookieEach(r); err != nil {
		return nil, err
	}
	if len(r.Header["X-Api-Key"]) == 0 {
		if v, err := d.bySession(r); v != nil || err != nil {
			return v, err
		}
	}
	session, err := d.sessionOf(r)
	if err != nil {
		return nil, err
	}
	return &visitor{session: session, browser: true}, nil
}

// oneCookieEach refuses a request with two cookies of one name. A browser sends as many where somebody has set one for a narrower path or for all
// of a domain's hosts, and then one page would be one user's and the next another's.
func oneCookieEach(r *http.Request) error {
	for _, name := range []string{consoleCookie, authz.SessionCookie} {
		if authz.CountCookies(r.Header["Cookie"], name) > 1 {
			return authz.Errorf(authz.Unauthenticated, "there are two cookies %s: delete those of this site", name)
		}
	}
	return nil
}

// sessionOf returns Aeroplane's session that a request brings. What it is asked to do is not Aeroplane's business: it is judged as one for
// the list of keys would be, which is a page for browser sessions.
func (d *consoleDoor) sessionOf(r *http.Request) (*authz.Session, error) {
	grant, refusal := d.judge(r, consoleName, http.MethodGet, keysPath)
	switch {
	case refusal == nil:
		return browsing(grant)
	case refusal.Status == http.StatusUnauthorized:
		return nil, sayingWhatToSend(errorOf(refusal))
	}
	return nil, errorOf(refusal)
}

// sayingWhatToSend adds to the refusal of a visitor what would be good.
func sayingWhatToSend(err error) error {
	e := *classified(err)
	e.Message += ": sign in, or send the header Authorization: Bearer TOKEN with an administrator's token, which the file admin.token in the data directory has behind its name"
	return &e
}
