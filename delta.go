// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Delta is what has to be done so that what is kept becomes what an Inventory says.
type Delta struct {
	Projects    []Project // to put, as are the next four
	Services    []Service
	Deployments []Deployment
	Sessions    []Session
	Keys        []ForeignKey

	GoneProjects    []string
	GoneServices    []string
	GoneDeployments []string
	GoneSessions    []Digest // to revoke, for good, as are GoneKeys
	GoneKeys        []string
	// DoubtfulKeys are to expire at once, until it can be read again what they may do.
	DoubtfulKeys []string
}

// Len returns how many things are to be done.
func (d *Delta) Len() int {
	return len(d.Projects) + len(d.Services) + len(d.Deployments) + len(d.Sessions) + len(d.Keys) +
		len(d.GoneProjects) + len(d.GoneServices) + len(d.GoneDeployments) + len(d.GoneSessions) + len(d.GoneKeys) + len(d.DoubtfulKeys)
}

// Add adds what is to be done by another.
func (d *Delta) Add(more *Delta) {
	d.Projects, d.GoneProjects = append(d.Projects, more.Projects...), append(d.GoneProjects, more.GoneProjects...)
	d.Services, d.GoneServices = append(d.Services, more.Services...), append(d.GoneServices, more.GoneServices...)
	d.Deployments, d.GoneDeployments = append(d.Deployments, more.Deployments...), append(d.GoneDeployments, more.GoneDeployments...)
	d.Sessions, d.GoneSessions = append(d.Sessions, more.Sessions...), append(d.GoneSessions, more.GoneSessions...)
	d.Keys, d.GoneKeys = append(d.Keys, more.Keys...), append(d.GoneKeys, more.GoneKeys...)
	d.DoubtfulKeys = append(d.DoubtfulKeys, more.DoubtfulKeys...)
}

// stored returns a delta whose sessions and keys are as they are read again. It has lists of its own for these.
func (d *Delta) stored() *Delta {
	own := *d
	own.Sessions, own.Keys = slices.Clone(d.Sessions), slices.Clone(d.Keys)
	for i := range own.Sessions {
		own.Sessions[i] = storedSession(own.Sessions[i])
	}
	for i := range own.Keys {
		own.Keys[i] = storedKey(own.Keys[i])
	}
	return &own
}

// check checks a delta as an inventory is checked.
func (d *Delta) check() error {
	if n := d.Len(); n > MaxBatch {
		return InvalidFields(Violation{Field: "items", Description: fmt.Sprintf("must be at most %d of a difference, not %d", MaxBatch, n)})
	}
	in := Inventory{Projects: slices.Clone(d.Projects), Services: slices.Clone(d.Services), Deployments: slices.Clone(d.Deployments),
		Sessions: slices.Clone(d.Sessions), Keys: slices.Clone(d.Keys)}
	in.sort()
	var v violations
	for _, ids := range [][]string{d.GoneProjects, d.GoneServices, d.GoneDeployments, d.GoneKeys, d.DoubtfulKeys} {
		for _, id := range ids {
			checkID(&v, "deleted_ids", id)
		}
	}
	return cmp.Or(in.check(), v.err())
}

// Difference returns how one sorted inventory becomes another. Of sessions and keys that is nothing where the second says
// nothing of them.
func Difference(from, to *Inventory) *Delta {
	d := new(Delta)
	d.Projects, d.GoneProjects = diff(from.Projects, to.Projects, projectID, func(a, b *Project) bool { return *a == *b })
	d.Services, d.GoneServices = diff(from.Services, to.Services, serviceID, func(a, b *Service) bool { return *a == *b })
	d.Deployments, d.GoneDeployments = diff(from.Deployments, to.Deployments, deploymentID, func(a, b *Deployment) bool { return *a == *b })
	if to.WithSessions {
		var gone []string
		d.Sessions, gone = diff(from.Sessions, to.Sessions, sessionID, func(a, b *Session) bool {
			if !a.RevokedAt.IsZero() { // it stays so, for as long as Aeroplane may have it
				return !b.ExpiresAt.After(a.ExpiresAt)
			}
			return a.UserID == b.UserID && a.Role == b.Role && a.ExpiresAt.Equal(b.ExpiresAt)
		})
		for _, digest := range gone {
			if s, _ := find(from.Sessions, digest, sessionID); s.RevokedAt.IsZero() {
				d.GoneSessions = append(d.GoneSessions, s.Digest)
			}
		}
	}
	if to.WithKeys {
		d.differInKeys(from, to)
	}
	return d
}

// differInKeys adds what is to be done about keys. One that was revoked stays as it is; one that has another secret than it had
// is another key, which nobody has vouched for.
func (d *Delta) differInKeys(from, to *Inventory) {
	put, gone := diff(from.Keys, to.Keys, foreignKeyID, func(a, b *ForeignKey) bool {
		return !a.RevokedAt.IsZero() || b.RevokedAt.IsZero() && a.Digest == b.Digest && sameKey(a, b)
	})
	for i := range put {
		known, ok := find(from.Keys, put[i].ID, foreignKeyID)
		if ok && (!put[i].RevokedAt.IsZero() || known.Digest != put[i].Digest) {
			d.GoneKeys = append(d.GoneKeys, known.ID)
		} else {
			d.Keys = append(d.Keys, put[i])
		}
	}
	for _, id := range gone {
		known, _ := find(from.Keys, id, foreignKeyID)
		switch _, doubtful := slices.BinarySearch(to.DoubtfulKeys, id); {
		case !known.RevokedAt.IsZero():
		case doubtful:
			d.DoubtfulKeys = append(d.DoubtfulKeys, id)
		default:
			d.GoneKeys = append(d.GoneKeys, id)
		}
	}
	for _, id := range from.DoubtfulKeys { // which are kept, though from has none of them
		_, there := find(to.Keys, id, foreignKeyID)
		if _, doubtful := slices.BinarySearch(to.DoubtfulKeys, id); !there && !doubtful {
			d.GoneKeys = append(d.GoneKeys, id)
		}
	}
	slices.Sort(d.GoneKeys)
}

// diff walks through two sorted lists, and returns what is new or another in the second, and the ids that are not in it.
func diff[T any](from, to []T, id func(T) string, same func(a, b *T) bool) (put []T, gone []string) {
	i := 0
	for j := range to {
		want := id(to[j])
		for i < len(from) && id(from[i]) < want {
			gone = append(gone, id(from[i]))
			i++
		}
		if i < len(from) && id(from[i]) == want {
			if !same(&from[i], &to[j]) {
				put = append(put, to[j])
			}
			i++
			continue
		}
		put = append(put, to[j])
	}
	for ; i < len(from); i++ {
		gone = append(gone, id(from[i]))
	}
	return put, gone
}

// find returns the item of an id in a sorted list.
func find[T any](all []T, want string, id func(T) string) (item T, ok bool) {
	i, ok := slices.BinarySearchFunc(all, want, func(item T, want string) int { return strings.Compare(id(item), want) })
	if ok {
		item = all[i]
	}
	return item, ok
}
