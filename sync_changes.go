// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// maxChanges bounds how many changes a dry run tells of.
const maxChanges = 10_000

// changesOf tells what a delta does, for people.
func changesOf(kept *Inventory, d *Delta) (all []SyncChange) {
	all = describe(all, "project", kept.Projects, d.Projects, d.GoneProjects, projectID, describeProject)
	all = describe(all, "service", kept.Services, d.Services, d.GoneServices, serviceID,
		func(s Service) string { return "in project " + s.ProjectID })
	all = describe(all, "deployment", kept.Deployments, d.Deployments, d.GoneDeployments, deploymentID,
		func(d Deployment) string { return "of service " + d.ServiceID })
	all = describe(all, "key", kept.Keys, d.Keys, nil, foreignKeyID, describeKey)
	for _, id := range d.GoneKeys {
		all = oneMore(all, SyncChange{"key", id, describedKey(kept, id), "revoked"})
	}
	for _, id := range d.DoubtfulKeys {
		all = oneMore(all, SyncChange{"key", id, describedKey(kept, id), "expired, since it cannot be read what it may do"})
	}
	gone := make([]string, len(d.GoneSessions))
	for i := range d.GoneSessions {
		gone[i] = string(d.GoneSessions[i][:])
	}
	for _, c := range describe(nil, "session", kept.Sessions, d.Sessions, gone, sessionID, describeSession) {
		c.ID = hex.EncodeToString([]byte(c.ID))
		all = oneMore(all, c)
	}
	return all
}

func oneMore(all []SyncChange, c SyncChange) []SyncChange {
	if len(all) == maxChanges {
		return all
	}
	return append(all, c)
}

func describe[T any](all []SyncChange, kind string, kept, put []T, gone []string, id func(T) string, text func(T) string) []SyncChange {
	before := func(which string) string {
		if known, ok := find(kept, which, id); ok {
			return text(known)
		}
		return ""
	}
	for _, p := range put {
		all = oneMore(all, SyncChange{kind, id(p), before(id(p)), text(p)})
	}
	for _, g := range gone {
		all = oneMore(all, SyncChange{kind, g, before(g), ""})
	}
	return all
}

func describeProject(p Project) string {
	return fmt.Sprintf("slug %s, name %q, %s", p.Slug, p.Name, ownedBy(p.OwnerID))
}

func ownedBy(user string) string {
	if user == "" {
		return "nobody's"
	}
	return "of user " + user
}

func describeSession(s Session) string {
	return fmt.Sprintf("%s, role %s, until %s", ownedBy(s.UserID), s.Role, s.ExpiresAt.Format(time.RFC3339))
}

func describedKey(kept *Inventory, id string) string {
	k, ok := find(kept.Keys, id, foreignKeyID)
	if !ok {
		return ""
	}
	return describeKey(k)
}

func describeKey(k ForeignKey) string {
	projects := "all projects"
	if !k.Projects.All {
		projects = "projects " + strings.Join(k.Projects.IDs, ",")
	}
	end := "for ever"
	switch {
	case !k.RevokedAt.IsZero():
		end = "revoked"
	case !k.ExpiresAt.IsZero():
		end = "until " + k.ExpiresAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%q, %s, %s, %s, %s", k.Name, ownedBy(k.UserID), k.Access, projects, end)
}
