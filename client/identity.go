// SPDX-License-Identifier: Apache-2.0

package client

import (
	"net/http"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// IdentityHeaders returns the headers that tell an upstream who is calling, all of them, as the middleware sets them. An error says why
// the grant does not fit into headers.
func IdentityHeaders(g *authzv1.Grant) (http.Header, error) {
	identity := identityOf(g)
	values, err := identity.Values()
	if err != nil {
		return nil, err
	}
	h := make(http.Header, len(door.Names))
	for i, name := range door.Names {
		h.Set(name, values[i])
	}
	return h, nil
}

// identityOf is what a grant tells an upstream. What this package does not know, such as a role that is younger, is told as nothing.
func identityOf(g *authzv1.Grant) door.Identity {
	i := door.Identity{
		Access: accessWords[g.GetAccessLevel()], Project: g.GetProjectId(), TransferUnchecked: g.GetTransferTargetUnchecked(),
	}
	switch p := g.GetPrincipal().(type) {
	case *authzv1.Grant_Key:
		i.Caller, i.Key, i.User = "key", p.Key.GetId(), p.Key.GetUserId()
	case *authzv1.Grant_Session:
		i.Caller, i.User, i.Role = "session", p.Session.GetUserId(), roleWords[p.Session.GetRole()]
	}
	if v := g.GetVisibleProjects(); v != nil {
		i.Visible = &door.Visible{All: v.GetAll(), IDs: v.GetProjectIds()}
	}
	return i
}

var (
	accessWords = map[authzv1.AccessLevel]string{
		authzv1.AccessLevel_ACCESS_LEVEL_READ: "read", authzv1.AccessLevel_ACCESS_LEVEL_WRITE: "write",
	}
	roleWords = map[authzv1.UserRole]string{
		authzv1.UserRole_USER_ROLE_OWNER: "owner", authzv1.UserRole_USER_ROLE_USER: "user",
	}
)
