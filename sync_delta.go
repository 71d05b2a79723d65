// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// onlyTakeOver leaves of what is to be done about keys what may be where they are ours: to add those that are not known, and to
// revoke those that Aeroplane has revoked.
func (d *Delta) onlyTakeOver(kept, to *Inventory) {
	d.DoubtfulKeys = nil
	d.Keys = slices.DeleteFunc(d.Keys, func(k ForeignKey) bool {
		_, known := find(kept.Keys, k.ID, foreignKeyID)
		return known
	})
	d.GoneKeys = slices.DeleteFunc(d.GoneKeys, func(id string) bool {
		k, there := find(to.Keys, id, foreignKeyID)
		return !there || k.RevokedAt.IsZero()
	})
}

// suspendMissing leaves it at the expiry of keys that are missing from an inventory which may not be the right one. To revoke them is for
// good; when the right one comes they are good again, or are revoked then.
func (d *Delta) suspendMissing(to *Inventory) {
	var revoked []string
	for _, id := range d.GoneKeys {
		if _, there := find(to.Keys, id, foreignKeyID); there {
			revoked = append(revoked, id)
		} else {
			d.DoubtfulKeys = append(d.DoubtfulKeys, id)
		}
	}
	d.GoneKeys = revoked
	slices.Sort(d.DoubtfulKeys)
}

// forgetSuspended leaves out keys in doubt that are over already.
func (d *Delta) forgetSuspended(kept *Inventory, now time.Time) {
	d.DoubtfulKeys = slices.DeleteFunc(d.DoubtfulKeys, func(id string) bool {
		k, known := find(kept.Keys, id, foreignKeyID)
		return known && k.State(now) != Live
	})
}

// forgetEnded leaves out keys that are not on record, and would not stay there.
func (d *Delta) forgetEnded(kept *Inventory, now time.Time, keep time.Duration) {
	if keep == 0 {
		return
	}
	d.Keys = slices.DeleteFunc(d.Keys, func(k ForeignKey) bool {
		end := k.RevokedAt
		if end.IsZero() {
			end = k.ExpiresAt
		}
		_, known := find(kept.Keys, k.ID, foreignKeyID)
		return !known && !end.IsZero() && end.Before(now.Add(-keep))
	})
}

// countsOf counts what is kept, and what of it changes.
func countsOf(kept *Inventory, d *Delta) []SyncCount {
	live := 0
	for i := range kept.Keys {
		if kept.Keys[i].RevokedAt.IsZero() {
			live++
		}
	}
	return []SyncCount{
		countOf("projects", kept.Projects, len(kept.Projects), d.Projects, len(d.GoneProjects), projectID),
		countOf("services", kept.Services, len(kept.Services), d.Services, len(d.GoneServices), serviceID),
		countOf("deployments", kept.Deployments, len(kept.Deployments), d.Deployments, len(d.GoneDeployments), deploymentID),
		countOf("sessions", kept.Sessions, len(kept.Sessions), d.Sessions, len(d.GoneSessions), sessionID),
		countOf("keys", kept.Keys, live, d.Keys, len(d.GoneKeys)+len(d.DoubtfulKeys), foreignKeyID),
	}
}

func countOf[T any](kind string, kept []T, had int, put []T, gone int, id func(T) string) SyncCount {
	c := SyncCount{Kind: kind, Had: had, Gone: gone}
	for _, p := range put {
		if _, known := find(kept, id(p), id); known {
			c.Changed++
		} else {
			c.New++
		}
	}
	return c
}

// few is how much of one kind may go, or be all that there is, without a second thought.
const few = 10

// cautious refuses to lose more than half of what is kept of anything, if that is more than a few, and to lose all that is in the
// catalog. Sessions may well all end.
func cautious(counts []SyncCount) error {
	var had, gone int
	for _, c := range counts {
		switch {
		case c.Kind == "sessions":
			continue
		case c.Gone > few && 2*c.Gone > c.Had:
			return held(c.Gone, c.Had, c.Kind)
		case c.Kind != "keys":
			had, gone = had+c.Had, gone+c.Gone
		}
	}
	if had > 0 && gone == had {
		return held(gone, had, "things in the catalog")
	}
	return nil
}

func held(gone, had int, kind string) error {
	return &Error{Kind: FailedPrecondition, Code: CodeSyncHeld,
		Message: fmt.Sprintf("%d of %d %s would be taken away, and nothing was: see whether that is right", gone, had, kind)}
}

// KeepEmptied says of what there is nothing in the second of two inventories, and more than a few in the first, and puts that back into the
// second; empty: of nothing.
func KeepEmptied(from, to *Inventory) string {
	var kinds []string
	kinds = keepEmptied(kinds, "projects", from.Projects, &to.Projects)
	kinds = keepEmptied(kinds, "services", from.Services, &to.Services)
	kinds = keepEmptied(kinds, "deployments", from.Deployments, &to.Deployments)
	kinds = keepEmptied(kinds, "keys", from.Keys, &to.Keys)
	return strings.Join(kinds, " and ")
}

func keepEmptied[T any](kinds []string, kind string, from []T, to *[]T) []string {
	if len(from) <= few || len(*to) > 0 {
		return kinds
	}
	*to = from
	return append(kinds, kind)
}

// pieces divides what is to be done into transactions of at most MaxBatch things, so that a change beside them never waits long.
//
// At no point may anybody do what they may do neither by the old inventory nor by the new one. So what is to go goes first. Then, until
// all projects are what they are to be, there is nothing that reaches two of them by what is old of one and new of the other: no
// credential that is to reach less, or something else, and no service that moves, or whose project gets another owner and which could be transferred.
func (d *Delta) pieces(kept *Inventory) []*Delta {
	if d.Len() <= MaxBatch {
		return []*Delta{d}
	}
	var all []*Delta
	goneDeployments := moved(d.GoneDeployments, d.Deployments, kept.Deployments, deploymentID)
	services := slices.Concat(d.Services, d.handedOver(kept))
	goneServices := moved(d.GoneServices, services, kept.Services, serviceID)
	each(&all, d.GoneKeys, func(p *Delta, some []string) { p.GoneKeys = some })
	each(&all, slices.Concat(d.DoubtfulKeys, d.unlikeKeys(kept)), func(p *Delta, some []string) { p.DoubtfulKeys = some })
	each(&all, d.GoneSessions, func(p *Delta, some []Digest) { p.GoneSessions = some })
	each(&all, d.unlikeSessions(kept), func(p *Delta, some []Session) { p.Sessions = some })
	each(&all, goneDeployments, func(p *Delta, some []string) { p.GoneDeployments = some })
	each(&all, goneServices, func(p *Delta, some []string) { p.GoneServices = some })
	each(&all, d.GoneProjects, func(p *Delta, some []string) { p.GoneProjects = some })
	for _, some := range exchanges(d.Projects, kept.Projects) {
		all = append(all, &Delta{Projects: some})
	}
	each(&all, services, func(p *Delta, some []Service) { p.Services = some })
	each(&all, d.Deployments, func(p *Delta, some []Deployment) { p.Deployments = some })
	each(&all, d.Keys, func(p *Delta, some []ForeignKey) { p.Keys = some })
	each(&all, d.Sessions, func(p *Delta, some []Session) { p.Sessions = some })
	return all
}

func each[T any](all *[]*Delta, items []T, set func(p *Delta, some []T)) {
	for some := range slices.Chunk(items, MaxBatch) {
		p := new(Delta)
		set(p, some)
		*all = append(*all, p)
	}
}

// moved returns what is gone, and what is kept and put elsewhere.
func moved[T any](gone []string, put, kept []T, id func(T) string) []string {
	all := slices.Clone(gone)
	for _, p := range put {
		if _, known := find(kept, id(p), id); known {
			all = append(all, id(p))
		}
	}
	return all
}

// unlikeKeys returns which kept keys are to reach less or something else, or for a shorter time.
func (d *Delta) unlikeKeys(kept *Inventory) (ids []string) {
	for _, k := range d.Keys {
		old, known := find(kept.Keys, k.ID, foreignKeyID)
		same := old.UserID == k.UserID && old.Access == k.Access && old.Projects.equal(k.Projects)
		later := k.ExpiresAt.IsZero() || !old.ExpiresAt.IsZero() && !k.ExpiresAt.Before(old.ExpiresAt)
		if known && !(same && later) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// unlikeSessions returns which kept sessions are to be another user's, or of another role, or shorter, with a time that is surely over.
// They are not revoked: that would be for good.
func (d *Delta) unlikeSessions(kept *Inventory) (over []Session) {
	for _, s := range d.Sessions {
		old, known := find(kept.Sessions, sessionID(s), sessionID)
		if known && (old.UserID != s.UserID || old.Role != s.Role || s.ExpiresAt.Before(old.ExpiresAt)) {
			old.ExpiresAt = time.Unix(0, 0).UTC()
			over = append(over, old)
		}
	}
	return over
}

// handedOver returns the kept services that stay in a project which gets another owner.
func (d *Delta) handedOver(kept *Inventory) (stay []Service) {
	over := make(map[string]bool)
	for _, p := range d.Projects {
		if old, known := find(kept.Projects, p.ID, projectID); known && old.OwnerID != p.OwnerID {
			over[p.ID] = true
		}
	}
	for _, s := range kept.Services {
		_, put := find(d.Services, s.ID, serviceID)
		if _, gone := slices.BinarySearch(d.GoneServices, s.ID); over[s.ProjectID] && !put && !gone {
			stay = append(stay, s)
		}
	}
	return stay
}

// exchanges divides projects as each does, but leaves together those of which one takes a slug that another gives up, so that it
// is free by the end of their transaction.
func exchanges(put, kept []Project) [][]Project {
	bearers := make(map[bearing]string, len(kept))
	for _, p := range kept {
		bearers[bearingOf(p)] = p.ID
	}
	leader := make(map[string]string, len(put)) // of a project: another that it has to be put with
	for _, p := range put {
		leader[p.ID] = p.ID
	}
	lead := func(id string) string {
		for leader[id] != id {
			leader[id] = leader[leader[id]]
			id = leader[id]
		}
		return id
	}
	for _, p := range put {
		if other, taken := bearers[bearingOf(p)]; taken && leader[other] != "" {
			leader[lead(p.ID)] = lead(other)
		}
	}
	groups := make(map[string][]Project)
	for _, p := range put {
		groups[lead(p.ID)] = append(groups[lead(p.ID)], p)
	}
	var all [][]Project
	var batch []Project
	for _, p := range put {
		group := groups[p.ID] // empty where another leads
		if len(batch) > 0 && len(batch)+len(group) > MaxBatch {
			all, batch = append(all, batch), nil
		}
		batch = append(batch, group...)
	}
	if len(batch) > 0 {
		all = append(all, batch)
	}
	return all
}
