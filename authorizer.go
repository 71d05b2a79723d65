// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// A Request is one HTTP request, as its client sent it.
type Request struct {
	Method     string
	Target     string // path and query, not decoded
	Credential Credential
	// TransferTo is the project that the body of a service transfer names. Nil: nobody could see it.
	TransferTo *string
	// Consistency is how fresh the facts must be. Zero: all changes that were answered OK are known.
	Consistency Consistency
	// AtOnce asks for a decision without waiting for anything: ErrNotAtOnce where there is none. It is for who has other requests
	// to decide on meanwhile.
	AtOnce bool
}

// An Authorizer decides. Its fields are set before first use and not changed afterwards; all are required.
type Authorizer struct {
	Routes *resolver.Table
	Facts  FactStore
	// Used notes that a key authenticated a request. It is called on the request's path and must not block.
	Used func(key *KeyRecord, at time.Time)
}

// Authorize decides on one request. The order in which it looks is the order of refusals (4): method, path, route,
// credential, facts, decision. An error means that no decision was reached: the facts could not be had.
func (a *Authorizer) Authorize(ctx context.Context, r Request) (d Decision, err error) {
	method, ok := resolver.MethodOf(r.Method)
	if !ok {
		d.set(deny(MethodNotAllowed, unknownMethod))
		return d, nil
	}
	path, err := a.Routes.Gate(r.Target)
	if err != nil {
		d.set(deny(MalformedPath, err.Error()))
		return d, nil
	}
	if method == resolver.OPTIONS {
		d.set(allow(Grant{}))
		return d, nil
	}
	match := a.Routes.Match(method, path)
	err = a.onRoute(ctx, &ask{method: method, match: match}, &r, &d)
	d.Route = match.Route.Line
	return d, err
}

// onRoute makes d, which denies without a reason, the decision on a request whose route is known.
func (a *Authorizer) onRoute(ctx context.Context, to *ask, r *Request, d *Decision) error {
	route := to.match.Route
	if route.Who == resolver.Public {
		d.set(allow(Grant{}))
		return nil
	}
	text := r.Credential.text.Reveal()
	switch {
	case r.Credential.Kind == ContradictoryCredential:
		d.set(deny(InvalidKey, contradictory))
		return nil
	case r.Credential.Kind == KeyCredential && !apikey.HasLength(text):
		d.set(deny(InvalidKey, malformed)) // before it is hashed: it may be long
		return nil
	case text == "":
		d.set(decide(to, &Facts{}))
		return nil
	}
	l := lookups.Get().(*Lookup)
	defer l.release()
	query, facts := &l.Query, &l.Facts // both empty
	query.Kind, query.Digest = r.Credential.Kind, apikey.DigestOf(text)
	query.Scope, query.ID = route.Scope, possible(to.match)
	query.Consistency, query.AtOnce = r.Consistency, true
	if route.Scope == resolver.ServiceTransfer {
		query.TransferTo = knowable(r.TransferTo)
	}
	err := a.Facts.Lookup(ctx, l)
	if err == ErrNotAtOnce {
		// What is kept of a key was brought for its text, which had the form of a key then. All others have to show it here, so that no
		// database is bothered with what is none.
		if query.Kind == KeyCredential && apikey.FormOf(text) == apikey.Malformed {
			d.set(deny(InvalidKey, malformed))
			return nil
		}
		if !r.AtOnce {
			query.AtOnce = false
			err = a.Facts.Lookup(ctx, l)
		}
	}
	if err != nil {
		return err
	}
	to.credential, to.transferTo = query.Kind, query.TransferTo
	d.set(decide(to, facts))
	d.Revision = facts.Revision
	if facts.Session != nil {
		d.UserID = facts.Session.UserID
	}
	if facts.Key != nil {
		d.KeyID, d.UserID = facts.Key.ID, facts.Key.UserID
		if d.Reason != InvalidKey {
			a.Used(facts.Key, facts.Now) // also where the request is then refused (6)
		}
	}
	return nil
}

// possible returns the id or slug of a match, and nothing for what cannot be one, so that no store is bothered with it.
func possible(match resolver.Match) string {
	most := maxID
	if match.Route.Scope == resolver.ProjectSlug {
		most = maxSlug
	}
	if !segment(match.ID, most) {
		return ""
	}
	return match.ID
}

// knowable returns the id of a transfer's target, which comes from a client's body and may be any text. What cannot be
// an id stands for a project that nobody knows, and no store is bothered with it.
func knowable(id *string) *string {
	if id == nil || ValidID(*id) {
		return id
	}
	return new(string)
}
