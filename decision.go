// SPDX-License-Identifier: Apache-2.0

package authz

import "net/http"

// A Decision is what Authorize answers: allowed with a Grant, or denied with a Reason. The zero Decision denies.
type Decision struct {
	// Allowed says whether the request may pass.
	Allowed bool
	// Reason is why not. Zero when allowed.
	Reason Reason
	// Detail tells more than the client may know ("revoked", "doubled slash"). It is for logs.
	Detail string
	// Route is the line of the route table that applied, zero where the request never got so far. For logs.
	Route int
	// Grant is what was granted. Zero when denied.
	Grant Grant
	// Revision is the instant in the history that the decision is true at. Zero where nothing was looked up.
	Revision Revision
	// KeyID is the key that was recognised, and UserID the user of the key or session, whether or not it was then refused.
	// For logs.
	KeyID, UserID string
}

// A Grant says on whose strength a request passes, and how far it reaches.
type Grant struct {
	// Principal is who is calling; the zero Principal is nobody.
	Principal Principal
	// ProjectID is the project that is reached. Empty where none in particular is, or where an all-projects key
	// without a user asks for something unknown (5).
	ProjectID string
	// Visible is which projects the caller may see. Nil except on list routes.
	Visible *ProjectScope
	// TransferTargetUnchecked says that the upstream must still check the project a service is transferred to.
	TransferTargetUnchecked bool
}

// A Reason is why a request is denied. The list is closed and in the order in which the rules apply (4).
type Reason uint8

const (
	_ Reason = iota
	// MethodNotAllowed: the method is unknown, or spelled in another case.
	MethodNotAllowed
	// MalformedPath: the target is not in its one accepted spelling.
	MalformedPath
	// InvalidKey: a key was sent that is no good, or headers contradict each other.
	InvalidKey
	// AuthenticationRequired: no key, and no valid session.
	AuthenticationRequired
	// BrowserSessionRequired: a key on a route for browser sessions.
	BrowserSessionRequired
	// OwnerRequired: a session that is not an owner's on a route for owners.
	OwnerRequired
	// ReadOnlyKey: a read key and a method that writes.
	ReadOnlyKey
	// KeyOutOfScope: the key does not reach the project, or nobody knows it.
	KeyOutOfScope
	// SessionOutOfScope: the session does not reach the project, or nobody knows it.
	SessionOutOfScope

	numReasons
)

// reasons holds each Reason's HTTP status and documented text.
var reasons = [numReasons]struct {
	status int
	text   string
}{
	MethodNotAllowed:       {http.StatusMethodNotAllowed, "Method not allowed"},
	MalformedPath:          {http.StatusBadRequest, "Malformed request path"},
	InvalidKey:             {http.StatusUnauthorized, "Invalid or expired API key"},
	AuthenticationRequired: {http.StatusUnauthorized, "Authentication required"},
	BrowserSessionRequired: {http.StatusForbidden, "This endpoint requires a browser session"},
	OwnerRequired:          {http.StatusForbidden, "Owner access is required"},
	ReadOnlyKey:            {http.StatusForbidden, "This API key is read-only"},
	KeyOutOfScope:          {http.StatusForbidden, "This API key cannot access that project"},
	SessionOutOfScope:      {http.StatusForbidden, "This session cannot access that project"},
}

// Reasons returns every Reason, for tables that must have a row for each.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := MethodNotAllowed; r < numReasons; r++ {
		all = append(all, r)
	}
	return all
}

// HTTPStatus returns the status that a denied client is answered with.
func (r Reason) HTTPStatus() int { return reasons[r].status }

// String returns the documented text, byte for byte.
func (r Reason) String() string { return reasons[r].text }

// What the rules say travels as a Grant, a Reason and a Detail, which all fit into registers. A Decision is made of them where it is
// to be: to copy one takes as long as some of the rules.

// passes stands where there is no Reason. It is not zero, so that what nobody has set denies.
const passes = numReasons

func allow(g Grant) (Grant, Reason, string) { return g, passes, "" }

func deny(r Reason, detail string) (Grant, Reason, string) { return Grant{}, r, detail }

// set makes a Decision that denies without a Reason what the rules say.
func (d *Decision) set(g Grant, r Reason, detail string) {
	if r == passes {
		d.Allowed, d.Grant = true, g
		return
	}
	d.Reason, d.Detail = r, detail
}
