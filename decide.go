// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"

	"aeroplane.run/authz/resolver"
)

// An ask is what of a request a decision depends on, once its path and headers have been read.
type ask struct {
	method     resolver.Method
	match      resolver.Match
	credential CredentialKind // NoCredential, KeyCredential or SessionCredential
	transferTo *string
}

// decide computes the decision from facts, by their clock: see Decision.set. It is the rules of behaviour 4 and 5, from the credential on,
// in their order: each may refuse, none grants what an earlier one withheld.
func decide(a *ask, f *Facts) (Grant, Reason, string) {
	var caller Principal
	switch a.credential {
	case KeyCredential:
		if f.Key == nil {
			return deny(InvalidKey, unknownKey)
		}
		if state := f.Key.State(f.Now); state != Live {
			return deny(InvalidKey, state.String())
		}
		caller.Key = f.Key
	case SessionCredential:
		if f.Session != nil && f.Session.Live(f.Now) {
			caller.Session = f.Session
		}
	}

	who := a.match.Route.Who
	switch {
	case caller.Key != nil && who != resolver.Any:
		return deny(BrowserSessionRequired, "")
	case who == resolver.Browser:
		return allow(Grant{Principal: caller})
	case caller == (Principal{}):
		return deny(AuthenticationRequired, sessionTrouble(a.credential, f))
	case who == resolver.Owner && caller.Session.Role != UserRoleOwner:
		return deny(OwnerRequired, "")
	case caller.Access() != Write && a.method.Writes():
		return deny(ReadOnlyKey, "")
	}
	return inScope(a, f, caller)
}

// inScope applies the rules of scope (5) to a caller whom everything else has let through.
func inScope(a *ask, f *Facts, caller Principal) (Grant, Reason, string) {
	outside := SessionOutOfScope
	if caller.Key != nil {
		outside = KeyOutOfScope
	}
	grant := Grant{Principal: caller}

	switch a.match.Route.Scope {
	case resolver.Nothing:
		return allow(grant)
	case resolver.ProjectCreate:
		if caller.selective() {
			return deny(outside, createsNone)
		}
		return allow(grant)
	case resolver.ProjectList:
		grant.Visible = visible(caller, f)
		return allow(grant)
	}

	project, known := target(a.match.Route.Scope, caller, f)
	switch {
	case known && caller.reaches(project):
		grant.ProjectID = project.ID
	case known:
		return deny(outside, notCallers)
	case !caller.reachesUnknown():
		return deny(outside, unknownOf+a.match.Route.Scope.String())
	}

	if a.match.Route.Scope == resolver.ServiceTransfer {
		switch {
		case a.transferTo == nil && caller.selective():
			return deny(outside, targetNotNamed)
		case a.transferTo == nil:
			grant.TransferTargetUnchecked = true
		case f.TransferTo == nil && !caller.reachesUnknown():
			return deny(outside, targetUnknown)
		case f.TransferTo != nil && !caller.reaches(*f.TransferTo):
			return deny(outside, targetNotCallers)
		}
	}
	return allow(grant)
}

// target returns the project that the route's id or slug means to the caller. A slug means the caller's own project,
// for an owner's session else the ownerless one; without a user, the only project that bears it (5).
func target(scope resolver.Scope, caller Principal, f *Facts) (ProjectRef, bool) {
	switch {
	case len(f.Projects) == 1:
		return f.Projects[0], true
	case scope == resolver.ProjectSlug && len(f.Projects) == 0 && len(f.Unowned) == 1 && caller.ownerSession():
		return f.Unowned[0], true
	}
	return ProjectRef{}, false
}

// visible returns the projects that a caller may see. A selection holds nothing that is not known: a project that is deleted
// leaves it.
func visible(caller Principal, f *Facts) *ProjectScope {
	if caller.UserID() == "" {
		if caller.selective() {
			return &ProjectScope{IDs: caller.Key.Projects.IDs}
		}
		return &ProjectScope{All: true}
	}
	scope := &ProjectScope{}
	for _, candidates := range [...][]ProjectRef{f.Projects, f.Unowned} {
		for _, p := range candidates {
			if caller.reaches(p) {
				scope.IDs = append(scope.IDs, p.ID)
			}
		}
	}
	slices.Sort(scope.IDs)
	return scope
}

// sessionTrouble tells the log why there is nobody.
func sessionTrouble(kind CredentialKind, f *Facts) string {
	switch {
	case kind == NoCredential:
		return noCredential
	case f.Session == nil:
		return unknownSession
	case !f.Session.RevokedAt.IsZero():
		return revokedSession
	}
	return expiredSession
}
