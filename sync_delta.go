// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
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

// cautious refuses to lose more than half of what is kept of anything but sessions, which may well all end.
func cautious(counts []SyncCount) error {
	for _, c := range counts {
		if c.Kind != "sessions" && 2*c.Gone > c.Had {
			return &Error{Kind: FailedPrecondition, Code: CodeSyncHeld, Message: fmt.Sprintf(
				"%d of %d %s would be taken away: nothing was changed; see whether that is right", c.Gone, c.Had, c.Kind)}
		}
	}
	return nil
}

// Emptied says of what there is nothing in the second of two inventories, and more than a few in the first; empty: of nothing.
func Emptied(from, to *Inventory) string {
	const few = 10
	for _, kind := range []struct {
		name     string
		had, has int
	}{
		{"projects", len(from.Projects), len(to.Projects)}, {"services", len(from.Services), len(to.Services)},
		{"deployments", len(from.Deployments), len(to.Deployments)}, {"keys", len(from.Keys), len(to.Keys)},
	} {
		if kind.had > few && kind.has == 0 {
			return kind.name
		}
	}
	return ""
}

// pieces divides what is to be done into transactions of at most MaxBatch things, so that a change beside them never waits long.
//
// No piece gives more than both the old inventory and the new one do: what is to go goes first, and so does what is to move,
// which comes back last. What a project's own change gives meanwhile reaches nothing that is on its way.
func (d *Delta) pieces(kept *Inventory) []*Delta {
	if d.Len() <= MaxBatch {
		return []*Delta{d}
	}
	var all []*Delta
	goneDeployments := moved(d.GoneDeployments, d.Deployments, kept.Deployments, deploymentID)
	goneServices := moved(d.GoneServices, d.Services, kept.Services, serviceID)
	each(&all, d.GoneKeys, func(p *Delta, some []string) { p.GoneKeys = some })
	each(&all, d.DoubtfulKeys, func(p *Delta, some []string) { p.DoubtfulKeys = some })
	each(&all, d.GoneSessions, func(p *Delta, some []Digest) { p.GoneSessions = some })
	each(&all, goneDeployments, func(p *Delta, some []string) { p.GoneDeployments = some })
	each(&all, goneServices, func(p *Delta, some []string) { p.GoneServices = some })
	each(&all, d.GoneProjects, func(p *Delta, some []string) { p.GoneProjects = some })
	for _, some := range exchanges(d.Projects, kept.Projects) {
		all = append(all, &Delta{Projects: some})
	}
	each(&all, d.Services, func(p *Delta, some []Service) { p.Services = some })
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

// exchanges divides projects as each does, but leaves together those of which one takes a slug that another gives up, so that it
// is free by the end of their transaction.
func exchanges(put, kept []Project) [][]Project {
	type bearing struct{ slug, owner string }
	bearers := make(map[bearing]string, len(kept))
	for _, p := range kept {
		bearers[bearing{p.Slug, p.OwnerID}] = p.ID
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
		if other, taken := bearers[bearing{p.Slug, p.OwnerID}]; taken && leader[other] != "" {
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
