// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Inventory is what there is in Aeroplane at one instant. It is whole: what is not in it is not there.
type Inventory struct {
	Projects    []Project
	Services    []Service
	Deployments []Deployment
	// WithSessions says that Sessions are all that have not ended. Otherwise the inventory says nothing of sessions.
	WithSessions bool
	Sessions     []Session
	// WithKeys says that Keys are all of Aeroplane's own, those too that were revoked or have expired. Otherwise the inventory says
	// nothing of keys.
	WithKeys bool
	Keys     []ForeignKey
	// DoubtfulKeys are the ids of keys that are there, but of which it cannot be read what they may do, or until when.
	DoubtfulKeys []string
}

// A ForeignKey is a key that Aeroplane made, with the digest by which it is known.
type ForeignKey struct {
	Key
	Digest Digest
}

func projectID(p Project) string       { return p.ID }
func serviceID(s Service) string       { return s.ID }
func deploymentID(d Deployment) string { return d.ID }
func foreignKeyID(k ForeignKey) string { return k.ID }
func sessionID(s Session) string       { return string(s.Digest[:]) }

// Sort brings an inventory into the order in which two can be compared: by id, and sessions by digest.
func (in *Inventory) Sort() {
	sortBy(in.Projects, projectID)
	sortBy(in.Services, serviceID)
	sortBy(in.Deployments, deploymentID)
	sortBy(in.Keys, foreignKeyID)
	slices.SortFunc(in.Sessions, func(a, b Session) int { return slices.Compare(a.Digest[:], b.Digest[:]) })
	slices.Sort(in.DoubtfulKeys)
}

func sortBy[T any](all []T, id func(T) string) {
	byID := func(a, b T) int { return strings.Compare(id(a), id(b)) }
	if !slices.IsSortedFunc(all, byID) {
		slices.SortFunc(all, byID)
	}
}

// enough is of how many faults of one inventory an error tells.
const enough = 20

// check checks what is in a sorted inventory, by the rules for what is put singly. Errors: Invalid.
func (in *Inventory) check() error {
	var v violations
	checkEach(&v, "projects", in.Projects, projectID, identified(projectID, checkProject))
	checkBearings(&v, in.Projects)
	checkEach(&v, "services", in.Services, serviceID, identified(serviceID, checkService))
	checkEach(&v, "deployments", in.Deployments, deploymentID, identified(deploymentID, checkDeployment))
	checkEach(&v, "sessions", in.Sessions, sessionID, checkSession)
	checkEach(&v, "keys", in.Keys, foreignKeyID, identified(foreignKeyID, checkForeignKey))
	checkDigests(&v, in.Keys)
	return v.err()
}

// checkEach checks items that are sorted by id.
func checkEach[T any](v *violations, field string, items []T, id func(T) string, check func(v *violations, field string, item T)) {
	for i, item := range items {
		if len(*v) >= enough {
			return
		}
		name := fmt.Sprintf("%s[%d]", field, i)
		if i > 0 && id(item) == id(items[i-1]) {
			v.add(name, "must not be there twice")
		}
		check(v, name, item)
	}
}

// identified is a check of the id, and then of the rest.
func identified[T any](id func(T) string, rest func(v *violations, field string, item T)) func(*violations, string, T) {
	return func(v *violations, field string, item T) {
		checkID(v, field+".id", id(item))
		rest(v, field, item)
	}
}

// checkDigests checks that no two keys have the same secret.
func checkDigests(v *violations, keys []ForeignKey) {
	digests := make(map[Digest]string, len(keys))
	for _, k := range keys {
		if other, taken := digests[k.Digest]; taken {
			v.add("keys", "must not have one secret twice, as %q and %q do", other, k.ID)
		}
		digests[k.Digest] = k.ID
	}
}

// checkBearings checks that no two projects of one owner have the same slug.
func checkBearings(v *violations, projects []Project) {
	type bearing struct{ slug, owner string }
	bearers := make(map[bearing]string, len(projects))
	for _, p := range projects {
		b := bearing{p.Slug, p.OwnerID}
		if other, taken := bearers[b]; taken {
			v.add("projects", "must not have one slug twice for one owner, as %q and %q do", other, p.ID)
		}
		bearers[b] = p.ID
	}
}

func checkProject(v *violations, field string, p Project) {
	if !segment(p.Slug, maxSlug) {
		v.add(field+".slug", "must be 1 to %d of the characters A-Z a-z 0-9 - . _ ~", maxSlug)
	}
	checkText(v, field+".name", p.Name, 0, maxProjectName)
	checkUserID(v, field+".owner_id", p.OwnerID, optional)
}

func checkService(v *violations, field string, s Service) {
	checkID(v, field+".project_id", s.ProjectID)
}

func checkDeployment(v *violations, field string, d Deployment) {
	checkID(v, field+".service_id", d.ServiceID)
}

func checkSession(v *violations, field string, s Session) {
	checkUserID(v, field+".user_id", s.UserID, optional)
	if s.Role != UserRoleOwner && s.Role != UserRoleUser {
		v.add(field+".role", "must be USER_ROLE_OWNER or USER_ROLE_USER")
	}
	if s.ExpiresAt.Before(time.Unix(0, 0)) {
		v.add(field+".expire_time", "must be set, to a time after 1970")
	}
}

func checkForeignKey(v *violations, field string, k ForeignKey) {
	checkText(v, field+".name", k.Name, 1, maxKeyName)
	checkText(v, field+".prefix", k.Prefix, 1, maxPrefix)
	checkUserID(v, field+".user_id", k.UserID, optional)
	if k.Access != Read && k.Access != Write {
		v.add(field+".access_level", "must be ACCESS_LEVEL_READ or ACCESS_LEVEL_WRITE")
	}
	if k.Projects.All && len(k.Projects.IDs) > 0 {
		v.add(field+".projects", "must be all, or name projects, not both")
	}
	for _, id := range k.Projects.IDs {
		checkID(v, field+".projects.project_ids", id)
	}
	if k.CreatedAt.IsZero() {
		v.add(field+".create_time", "must be set")
	}
}

// sameKey reports whether two keys say the same, but for when they were created, used and revoked.
func sameKey(a, b *ForeignKey) bool {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Prefix, b.Prefix), strings.Compare(a.UserID, b.UserID),
		cmp.Compare(a.Access, b.Access), a.ExpiresAt.Compare(b.ExpiresAt)) == 0 &&
		a.Projects.All == b.Projects.All && slices.Equal(a.Projects.IDs, b.Projects.IDs)
}
