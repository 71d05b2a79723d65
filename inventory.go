// SPDX-License-Identifier: Apache-2.0

package authz

import (
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

// Sort brings an inventory into the form in which two can be compared: all by id, and sessions by digest; times as they are stored;
// and of what a key selects what is there, since nothing else can be selected.
func (in *Inventory) Sort() {
	in.sort()
	for i := range in.Sessions {
		in.Sessions[i] = storedSession(in.Sessions[i])
	}
	for i := range in.Keys {
		k := storedKey(in.Keys[i])
		k.Projects.IDs = slices.DeleteFunc(k.Projects.IDs, func(id string) bool {
			_, there := find(in.Projects, id, projectID)
			return !there
		})
		in.Keys[i] = k
	}
}

// storedSession returns a session as it is read again.
func storedSession(s Session) Session {
	s.ExpiresAt, s.RevokedAt = stamp(s.ExpiresAt), time.Time{}
	return s
}

// storedKey returns a key as it is read again, if all that it selects is there. It has a selection of its own.
func storedKey(k ForeignKey) ForeignKey {
	for _, t := range []*time.Time{&k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt} {
		*t = stamp(*t)
	}
	k.Projects.IDs = sorted(k.Projects.IDs)
	return k
}

func (in *Inventory) sort() {
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

// Current returns the inventory without the sessions whose time is over. That they are not there any more is nobody's doing.
func (in *Inventory) Current(now time.Time) *Inventory {
	current := *in
	current.Sessions = slices.DeleteFunc(slices.Clone(in.Sessions), func(s Session) bool { return !now.Before(s.ExpiresAt) })
	return &current
}

// enough is of how many faults of one inventory an error tells.
const enough = 20

// check checks what is in a sorted inventory, by the rules for what is put singly. Errors: Invalid.
func (in *Inventory) check() error {
	var v violations
	checkEach(&v, "projects", in.Projects, projectID, checkProject)
	checkBearings(&v, in.Projects)
	checkEach(&v, "services", in.Services, serviceID, checkService)
	checkEach(&v, "deployments", in.Deployments, deploymentID, checkDeployment)
	checkSessions(&v, in.Sessions)
	checkEach(&v, "keys", in.Keys, foreignKeyID, checkForeignKey)
	checkDigests(&v, in.Keys)
	return v.err()
}

// checkEach checks items that are sorted by id, and calls them by it: whoever sent them knows no place in an order of ours.
func checkEach[T any](v *violations, field string, items []T, id func(T) string, check func(v *violations, field string, item T)) {
	for i, item := range items {
		if len(*v) >= enough {
			return
		}
		name := fmt.Sprintf("%s[%.*q]", field, maxID, id(item))
		if i > 0 && id(item) == id(items[i-1]) {
			v.add(name, "must not be there twice")
		}
		checkID(v, name+".id", id(item))
		check(v, name, item)
	}
}

// checkSessions checks sessions, which nothing is called by but their digests. Whose they are has to do.
func checkSessions(v *violations, sessions []Session) {
	for i, s := range sessions {
		if len(*v) >= enough {
			return
		}
		name := fmt.Sprintf("sessions[of user %.*q]", maxID, s.UserID)
		if i > 0 && s.Digest == sessions[i-1].Digest {
			v.add(name, "must not be there twice")
		}
		checkSession(v, name, s)
	}
}

// checkDigests checks that no two keys have the same secret.
func checkDigests(v *violations, keys []ForeignKey) {
	digests := make(map[Digest]string, len(keys))
	for _, k := range keys {
		if other, taken := digests[k.Digest]; taken && len(*v) < enough {
			v.add("keys", "must not have one secret twice, as %q and %q do", other, k.ID)
		}
		digests[k.Digest] = k.ID
	}
}

// A bearing is a slug and whose it is. No two projects have the same.
type bearing struct{ slug, owner string }

func bearingOf(p Project) bearing { return bearing{p.Slug, p.OwnerID} }

// checkBearings checks that no two projects of one owner have the same slug.
func checkBearings(v *violations, projects []Project) {
	bearers := make(map[bearing]string, len(projects))
	for _, p := range projects {
		if other, taken := bearers[bearingOf(p)]; taken && len(*v) < enough {
			v.add("projects", "must not have one slug twice for one owner, as %q and %q do", other, p.ID)
		}
		bearers[bearingOf(p)] = p.ID
	}
}

func checkProject(v *violations, field string, p Project) {
	if !ValidSlug(p.Slug) {
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
	checkTime(v, field+".expire_time", s.ExpiresAt)
}

// checkTime checks that a time can be stored, and sent again.
func checkTime(v *violations, field string, t time.Time) {
	if t.Year() > 9999 {
		v.add(field, "must be a time before the year 10000")
	}
}

func checkForeignKey(v *violations, field string, k ForeignKey) {
	checkText(v, field+".name", k.Name, 1, maxKeyName)
	checkText(v, field+".prefix", k.Prefix, 1, maxPrefix)
	checkUserID(v, field+".user_id", k.UserID, optional)
	checkAccess(v, field+".access_level", k.Access)
	if k.Projects.All && len(k.Projects.IDs) > 0 {
		v.add(field+".projects", "must be all, or name projects, not both")
	}
	if len(k.Projects.IDs) > MaxKeyProjects {
		v.add(field+".projects.project_ids", "must be at most %d that there are, not %d", MaxKeyProjects, len(k.Projects.IDs))
	}
	for _, id := range k.Projects.IDs {
		if len(*v) < enough {
			checkID(v, field+".projects.project_ids", id)
		}
	}
	if k.CreatedAt.IsZero() {
		v.add(field+".create_time", "must be set")
	}
	checkTime(v, field+".create_time", k.CreatedAt)
	checkTime(v, field+".expire_time", k.ExpiresAt)
	checkTime(v, field+".revoke_time", k.RevokedAt)
	checkTime(v, field+".last_use_time", k.LastUsedAt)
}

// sameKey reports whether two keys say the same, but for when they were created, used and revoked.
func sameKey(a, b *ForeignKey) bool {
	return a.Name == b.Name && a.Prefix == b.Prefix && a.UserID == b.UserID && a.Access == b.Access && a.ExpiresAt.Equal(b.ExpiresAt) &&
		a.Projects.equal(b.Projects)
}
