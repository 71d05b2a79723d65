// SPDX-License-Identifier: Apache-2.0

package server

import (
	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// identityOf is what an upstream is told of a grant in headers. Errors: FailedPrecondition, for a grant that no header can tell of; the
// request is then refused, since an upstream that is told less could do more than was granted.
func identityOf(g *authz.Grant) (values [len(door.Names)]string, err error) {
	identity := door.Identity{User: g.Principal.UserID(), Project: g.ProjectID, TransferUnchecked: g.TransferTargetUnchecked}
	switch key, session := g.Principal.Key, g.Principal.Session; {
	case key != nil:
		identity.Caller, identity.Key, identity.Access = "key", key.ID, key.Access.String()
	case session != nil:
		identity.Caller, identity.Role, identity.Access = "session", session.Role.String(), authz.Write.String()
	}
	if g.Visible != nil {
		identity.Visible = &door.Visible{All: g.Visible.All, IDs: g.Visible.IDs}
	}
	if values, err = identity.Values(); err != nil {
		return values, authz.Errorf(authz.FailedPrecondition, "%s", err.Error())
	}
	return values, nil
}
