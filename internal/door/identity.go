// SPDX-License-Identifier: Apache-2.0

package door

import (
	"errors"
	"fmt"
	"strings"
)

// The headers that tell an upstream who is calling, and how far the request reaches. Each is always set, so that none of a client's
// can pass for one of ours: where there is nothing to tell it is None.
const (
	Caller   = "Aeroplane-Caller"   // key or session
	Key      = "Aeroplane-Key"      // the id of the key
	User     = "Aeroplane-User"     // the user of the key or session
	Role     = "Aeroplane-Role"     // owner or user, of a session
	Access   = "Aeroplane-Access"   // read or write
	Project  = "Aeroplane-Project"  // the id of the project that is reached
	Projects = "Aeroplane-Projects" // on project-list rows: which projects the caller may see, All, or ids separated by commas
	Transfer = "Aeroplane-Transfer" // Unchecked: the upstream has to check the project that a service is transferred to
)

// Names are those headers, in the order of Identity.Values. They have one hyphen each, which keeps LookAlikes few.
var Names = [...]string{Caller, Key, User, Role, Access, Project, Projects, Transfer}

// What stands in those headers beside ids and words.
const (
	None      = "-"
	All       = "*"
	Unchecked = "unchecked"
)

// MaxProjects bounds the bytes of the header Projects: with all others a request has to fit into what servers take.
const MaxProjects = 8 << 10

// LookAlikes are other names that an upstream may take for one of Names, in lower case: many make environment variables or
// attributes of headers, in which hyphen, underscore and dot are one.
var LookAlikes = func() (all []string) {
	for _, name := range Names {
		for _, mark := range []string{"_", "."} {
			all = append(all, strings.ToLower(strings.Replace(name, "-", mark, 1)))
		}
	}
	return all
}()

// An Identity is what those headers tell. What is empty is told as None.
type Identity struct {
	Caller, Key, User, Role, Access, Project string
	// Visible is nil where the upstream has no list to filter.
	Visible           *Visible
	TransferUnchecked bool
}

// Visible is all projects, or those with the IDs.
type Visible struct {
	All bool
	IDs []string
}

// Values are the values of the headers of Names, or why they cannot be told in headers, in one sentence that is safe to show.
func (i *Identity) Values() (values [len(Names)]string, err error) {
	ids := [...]string{i.Caller, i.Key, i.User, i.Role, i.Access, i.Project}
	for n, v := range ids {
		switch {
		case v == "":
			v = None
		case !tellable(v):
			return values, fmt.Errorf("what belongs into the header %s cannot be told in one", Names[n])
		}
		values[n] = v
	}
	projects, err := i.Visible.text()
	if err != nil {
		return values, err
	}
	transfer := None
	if i.TransferUnchecked {
		transfer = Unchecked
	}
	values[len(ids)], values[len(ids)+1] = projects, transfer
	return values, nil
}

func (v *Visible) text() (string, error) {
	switch {
	case v == nil || !v.All && len(v.IDs) == 0:
		return None, nil
	case v.All:
		return All, nil
	}
	size := len(v.IDs) - 1
	for _, id := range v.IDs {
		if !tellable(id) {
			return "", errors.New("the id of a visible project cannot be told in the header " + Projects)
		}
		size += len(id)
	}
	if size > MaxProjects {
		return "", fmt.Errorf("the caller sees %d projects, too many for the header %s, which holds %d bytes: ask over gRPC, or "+
			"give the key fewer", len(v.IDs), Projects, MaxProjects)
	}
	return strings.Join(v.IDs, ","), nil
}

// tellable reports whether text is visible ASCII without a comma, and means nothing else where it is an id.
func tellable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == ',' {
			return false
		}
	}
	return text != "" && text != None && text != All
}
