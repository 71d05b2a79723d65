// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// keysPath is where Aeroplane's dashboard lists and creates API keys. Behind it, and a slash, is the id of one to revoke.
const keysPath = "/api/system/api-keys"

// dashboardName stands in audit records and logs where the name of a caller's token stands otherwise. The role beside it is that of the
// service itself, which no token has: so no token passes for the dashboard, whatever its name.
const dashboardName = "dashboard"

// changing bounds how long a call takes once it was decided that it may pass, and its body read. It is longer than any barrier, and within
// httpWriting.
const changing = 9 * time.Second

// A dashboard answers the calls by which Aeroplane's dashboard manages API keys, for the user of a browser session, and as to what is that
// user's alone (behaviour 7).
type dashboard struct {
	*decider
	again   *decider // which is not counted
	issuer  *authz.Issuer
	catalog *authz.Catalog
	turns   *turns
}

// means reports whether a request is one for the dashboard, also one that is not in its one spelling: that it may not pass is for the
// gate to say. Whatever it is, it is no other page: those are found by their paths alone.
func (d *dashboard) means(r *http.Request) bool {
	p := strings.ToLower(r.URL.Path)
	return underKeys(p) || underKeys(path.Clean(p))
}

func underKeys(path string) bool { return path == keysPath || strings.HasPrefix(path, keysPath+"/") }

// A dashboardCall is one of the three.
type dashboardCall struct {
	method string // the same by gRPC, as which it is counted and logged
	status int    // when all is well
	// unknown is what is answered where nobody can tell what came of it.
	unknown string
	// read reads the body. Nil: nobody looks at it.
	read func(of *dashboardRequest) error
	do   func(d *dashboard, of *dashboardRequest) (answer any, err error)
}

var (
	listCall = dashboardCall{authzv1.KeyService_ListKeys_FullMethodName, http.StatusOK,
		"The API keys cannot be listed now: try again", nil, (*dashboard).list}
	createCall = dashboardCall{authzv1.KeyService_CreateKey_FullMethodName, http.StatusCreated,
		"It is not known whether the API key was created: look for it in the list, revoke it if it is there, and create another", readKeyRequest, (*dashboard).create}
	revokeCall = dashboardCall{authzv1.KeyService_RevokeKey_FullMethodName, http.StatusOK,
		"It is not known whether the API key is revoked: revoke it again", readNothing, (*dashboard).revoke}
)

// A dashboardRequest is a request that may pass.
type dashboardRequest struct {
	*http.Request
	to    http.ResponseWriter
	user  string // whose session it is of; empty in a single-user installation
	id    string // of the key in the path
	key   authz.KeyRequest
	actor authz.Actor
}

// serve answers a request that is for the dashboard. It is judged as it would be on its way to Aeroplane, by what was received, and then
// done for the user of its session.
func (d *dashboard) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	grant, refusal := d.judge(r, dashboardName, r.Method, r.RequestURI)
	if refusal != nil {
		_ = refusal.Write(w) // whoever asked has gone, or all is well
		return
	}
	target, _, _ := strings.Cut(r.RequestURI, "?")
	id, ofOne := strings.CutPrefix(target, keysPath+"/")
	switch {
	case target == keysPath && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		d.call(w, r, &listCall, grant, "")
	case target == keysPath && r.Method == http.MethodPost:
		d.call(w, r, &createCall, grant, "")
	case target == keysPath:
		otherMethod(w, r, "GET, HEAD, POST, OPTIONS")
	case !ofOne || strings.Contains(id, "/"):
		_ = noSuchPage.Write(w)
	case r.Method == http.MethodDelete:
		d.call(w, r, &revokeCall, grant, id)
	default:
		otherMethod(w, r, "DELETE, OPTIONS")
	}
}

// otherMethod answers preflights, which may pass, and grants them nothing: nobody else's pages are to call these. All others it refuses.
func otherMethod(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	if r.Method == http.MethodOptions {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = door.Refusal{Status: http.StatusMethodNotAllowed, Text: authz.MethodNotAllowed.String()}.Write(w)
}

// call makes a call, and answers what came of it.
func (d *dashboard) call(w http.ResponseWriter, r *http.Request, c *dashboardCall, grant *authz.Grant, id string) {
	of := &dashboardRequest{Request: r, to: w, id: id}
	body, err := d.attempt(c, of, grant)
	if err != nil || methods[c.method] == changes {
		_ = d.guard.answer(r.Context(), c.method, of.actor, err) // which counts and logs
	}
	if err != nil {
		_ = c.refusal(err).Write(w)
		return
	}
	writeJSON(w, c.status, body)
}

// attempt makes a call, and returns what to answer, in JSON. A panic is an error of the one call.
func (d *dashboard) attempt(c *dashboardCall, of *dashboardRequest, grant *authz.Grant) (body []byte, err error) {
	defer func() { err = d.guard.contain(c.method, recover(), err) }()
	session, err := browsing(grant)
	if err != nil { // who has no keys of theirs
		return nil, err
	}
	if methods[c.method] == changes {
		if err := sameOrigin(of.Request); err != nil {
			return nil, err // for which there is no actor yet: it may be anybody's page that sent this
		}
	}
	if c.read != nil {
		if err := c.read(of); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(of.Context(), changing)
	defer cancel()
	of.Request = of.WithContext(ctx)
	end, err := d.turns.take(ctx, turnOfCall(c.method, session))
	if err != nil {
		return nil, err
	}
	defer end()
	// The session may have ended while the body came in, or while others' calls were waited for.
	grant, refusal := d.again.judge(of.Request, dashboardName, of.Method, of.RequestURI)
	if refusal != nil {
		return nil, errorOf(refusal)
	}
	if session, err = browsing(grant); err != nil {
		return nil, err
	}
	of.user = session.UserID
	if methods[c.method] == changes {
		of.actor = authz.Actor{Role: authz.CallerRoleSystem, TokenName: dashboardName, UserID: session.UserID, Address: addressOf(of.Context())}
	}
	answer, err := c.do(d, of)
	if err != nil {
		return nil, err
	}
	return encoded(answer), nil
}

// errMediaType is the cause of errors that are answered with 415.
var errMediaType = errors.New("another media type")

// refusal is what an error of the call is answered as. Nothing but a call that came to its end is a success.
func (c *dashboardCall) refusal(err error) door.Refusal {
	e := listed(classified(err))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return door.Refusal{Status: http.StatusRequestEntityTooLarge, Text: e.Message}
	case errors.Is(err, errMediaType):
		return door.Refusal{Status: http.StatusUnsupportedMediaType, Text: e.Message}
	case e.Kind == authz.Invalid:
		return door.Refusal{Status: http.StatusBadRequest, Text: e.Message}
	case e.Kind == authz.NotFound:
		return door.Refusal{Status: http.StatusNotFound, Text: noSuchKey}
	case e.Kind == authz.PermissionDenied:
		return door.Refusal{Status: http.StatusForbidden, Text: e.Message}
	case e.Kind == authz.Unauthenticated:
		return door.Refusal{Status: http.StatusUnauthorized, Text: e.Message}
	case errors.Is(err, errNoTurn), errors.Is(err, errUndecided): // before anything was changed
		return door.Refusal{Status: http.StatusServiceUnavailable, Text: e.Message}
	case e.Code == authz.CodeStoreUnavailable:
		return door.Refusal{Status: http.StatusServiceUnavailable, Text: "The database does not answer, and nothing was changed: try again"}
	case e.Code == authz.CodeDiskFull:
		return door.Refusal{Status: http.StatusServiceUnavailable, Text: "The disk of the database is full, and nothing was changed: try again when there is room"}
	}
	return door.Refusal{Status: http.StatusServiceUnavailable, Text: c.unknown}
}
