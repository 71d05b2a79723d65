// SPDX-License-Identifier: Apache-2.0

package authz

import "slices"

// A Principal is who is calling: an API key, the user of a session, or, when both are nil, nobody.
type Principal struct {
	Key     *KeyRecord
	Session *Session
}

// UserID returns the user that the principal acts for; empty in a single-user installation, and for nobody.
func (p Principal) UserID() string {
	switch {
	case p.Key != nil:
		return p.Key.UserID
	case p.Session != nil:
		return p.Session.UserID
	}
	return ""
}

// Access returns what the principal may do. A session may write; nobody has no access level.
func (p Principal) Access() Access {
	switch {
	case p.Key != nil:
		return p.Key.Access
	case p.Session != nil:
		return Write
	}
	return 0
}

// reaches is the one rule of scope (5): the selection, where there is one, and the owner, where the caller has a user.
func (p Principal) reaches(pr ProjectRef) bool {
	if p.selective() && !p.Key.Projects.lists(pr.ID) {
		return false
	}
	return p.mayHave(pr)
}

// mayHave is the half of it that no selection makes up for: whose the project is.
func (p Principal) mayHave(pr ProjectRef) bool {
	user := p.UserID()
	if user == "" || pr.OwnerID == user {
		return true
	}
	return pr.OwnerID == "" && p.ownerSession()
}

// selective reports whether the principal is a key for selected projects.
func (p Principal) selective() bool { return p.Key != nil && !p.Key.Projects.All }

// ownerSession reports whether the principal is a session whose user has the role owner.
func (p Principal) ownerSession() bool { return p.Session != nil && p.Session.Role == UserRoleOwner }

// reachesUnknown reports whether the principal may ask for what nobody knows: the upstream then answers 404 (5).
func (p Principal) reachesUnknown() bool {
	return p.Key != nil && p.Key.Projects.All && p.Key.UserID == ""
}

// Access is what a caller may do.
type Access uint8

const (
	// Read is GET and HEAD.
	Read Access = iota + 1
	// Write is Read and POST, PUT, PATCH and DELETE.
	Write
)

// String returns "read" or "write".
func (a Access) String() string { return word(a, "", "read", "write") }

// UserRole is the role of one of Aeroplane's users.
type UserRole uint8

const (
	// UserRoleOwner may administer the installation.
	UserRoleOwner UserRole = iota + 1
	// UserRoleUser may use what is theirs.
	UserRoleUser
)

// String returns "owner" or "user".
func (r UserRole) String() string { return word(r, "", "owner", "user") }

// word returns the word for a value of a closed list, and "unknown" for one that is not on it.
func word[T ~uint8](v T, words ...string) string {
	if int(v) >= len(words) || words[v] == "" {
		return "unknown"
	}
	return words[v]
}

// A ProjectScope is all projects, or the listed ones, which may be none.
type ProjectScope struct {
	All bool
	IDs []string // sorted, no id twice; empty when All
}

func (s ProjectScope) equal(t ProjectScope) bool { return s.All == t.All && slices.Equal(s.IDs, t.IDs) }

// lists reports whether the scope lists the project.
func (s ProjectScope) lists(id string) bool {
	_, found := slices.BinarySearch(s.IDs, id)
	return found
}
