// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// How much there is of what is not keys: an installation that is used by some dozens of people.
const (
	users       = 50
	projects    = 200
	services    = 2000
	deployments = 5000
	sessions    = 2000
	strangers   = 256    // keys that are good in form, and that nobody knows
	spare       = 20_000 // keys that nobody asks about, to be revoked
)

// A world is what a database holds, and what is asked about. Everything is numbered: child i belongs to parent i modulo their
// number, and the first keys are asked for most.
type world struct {
	keys      []key // but for the spare ones
	spare     []key
	sessions  []string // tokens
	strangers []string
	taken     atomic.Int32 // of the spare keys
}

// A key is a key of one of three kinds: for all projects, for some, or of a user.
type key struct {
	apikey.Minted
	write    bool
	user     int   // -1: nobody
	selected []int // projects; nil: all
}

func newWorld(keys, spare int) *world {
	all := make([]key, keys+spare)
	for i := range all {
		all[i] = newKey(i)
	}
	w := &world{keys: all[:keys], spare: all[keys:]}
	for i := range sessions {
		w.sessions = append(w.sessions, fmt.Sprintf("%08d%s", i, apikey.Mint().Secret.Reveal()[20:55]))
	}
	for range strangers {
		w.strangers = append(w.strangers, apikey.Mint().Secret.Reveal())
	}
	return w
}

// newKey makes key i. Of ten keys six are for all projects, two for some of them, and two are users'; a third may only read.
func newKey(i int) key {
	k := key{Minted: apikey.Mint(), write: i%3 > 0, user: -1}
	switch i % 10 {
	case 6, 7:
		for n := range 1 + i/10%4 {
			k.selected = append(k.selected, (i+n*projects/4)%projects)
		}
	case 8, 9:
		k.user = i / 10 % users
	}
	return k
}

// takeSpare returns a key that nobody had yet. There are enough.
func (w *world) takeSpare() *key { return &w.spare[w.taken.Add(1)-1] }

// access is what the key may do.
func (k *key) access() authz.Access {
	if k.write {
		return authz.Write
	}
	return authz.Read
}

// ownerOf returns the user whom a project belongs to. Every fourth belongs to nobody.
func ownerOf(project int) string {
	if project%4 == 3 {
		return ""
	}
	return userID(project % users)
}

// project returns one that the key reaches.
func (k *key) project(r *rand.Rand) int {
	switch {
	case k.selected != nil:
		return k.selected[r.IntN(len(k.selected))]
	case k.user >= 0:
		return ownedBy(k.user, r)
	}
	return r.IntN(projects)
}

// ownedBy returns one of a user's projects.
func ownedBy(user int, r *rand.Rand) int {
	for {
		if p := user + users*r.IntN(projects/users); ownerOf(p) == userID(user) {
			return p
		}
	}
}

// serviceOf and deploymentOf return one that belongs to the project.
func serviceOf(project int, r *rand.Rand) int { return project + projects*r.IntN(services/projects) }

func deploymentOf(project int, r *rand.Rand) int {
	return serviceOf(project, r) + services*r.IntN(deployments/services)
}

// The names have the length of those that Aeroplane gives.
func userID(i int) string       { return fmt.Sprintf("user-%011d", i) }
func projectID(i int) string    { return fmt.Sprintf("project-%08d", i) }
func slug(i int) string         { return fmt.Sprintf("the-project-%04d", i) }
func serviceID(i int) string    { return fmt.Sprintf("service-%08d", i) }
func deploymentID(i int) string { return fmt.Sprintf("deploy-%09d", i) }
