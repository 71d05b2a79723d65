// SPDX-License-Identifier: Apache-2.0

//go:build !sim

package fence

import (
	crypto "crypto/rand"
	"hash/maphash"
	"math/rand/v2"
	"time"

	"aeroplane.run/authz"
)

// What the simulation has in its hands, as the program has it: what may happen between two statements, and chance. The
// other half is step_sim.go.

// newMemberID draws an id that was never drawn before.
func newMemberID() (id MemberID) {
	crypto.Read(id[:]) // never fails
	return id
}

// drawn returns a duration from 0 to d.
func drawn(d time.Duration) time.Duration { return rand.N(d + 1) }

// A hash spreads subjects over shards. Nobody can tell which of them meet.
type hash struct{ seed maphash.Seed }

func newHash() hash { return hash{maphash.MakeSeed()} }

// of returns the hash of a subject, whose ID may be short-lived.
func (h hash) of(kind authz.SubjectKind, id []byte) uint64 {
	return maphash.Bytes(h.seed, id) + uint64(kind)
}
