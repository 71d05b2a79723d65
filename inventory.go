// SPDX-License-Identifier: Apache-2.0

package authz

// An Inventory is what there is in Aeroplane at one instant. It is whole: what is not in it is not there.
type Inventory struct {
	Projects    []Project
	Services    []Service
	Deployments []Deployment
	// Sessions are those that have not ended. Nil: the inventory says nothing of sessions.
	Sessions []Session
	// Keys are Aeroplane's own, those too that were revoked or have expired. Nil: the inventory says nothing of keys.
	Keys []ForeignKey
	// DoubtfulKeys are the ids of keys that are there, but of which it cannot be read what they may do, or until when.
	DoubtfulKeys []string
}

// A ForeignKey is a key that Aeroplane made, with the digest by which it is known.
type ForeignKey struct {
	Key
	Digest Digest
}
