// SPDX-License-Identifier: Apache-2.0

//go:build sim

package fence

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"aeroplane.run/authz"
)

// Simulation is what the simulation puts in the place of chance. Zero: nothing is simulated.
var Simulation struct {
	// Step is called at each place where something else may happen first. It returns when the caller may go on.
	Step func(place string)
	// Chance decides what the program leaves to chance.
	Chance *rand.Rand
}

func step(place string) {
	if Simulation.Step != nil {
		Simulation.Step(place)
	}
}

func newMemberID() (id MemberID) {
	binary.NativeEndian.PutUint64(id[:], chance().Uint64())
	return id
}

func drawn(d time.Duration) time.Duration { return time.Duration(chance().Int64N(int64(d) + 1)) }

func chance() *rand.Rand {
	if Simulation.Chance == nil {
		Simulation.Chance = rand.New(rand.NewPCG(1, 1))
	}
	return Simulation.Chance
}

// A hash that is the same in each run.
type hash struct{}

func newHash() hash { return hash{} }

func (hash) of(kind authz.SubjectKind, id []byte) uint64 {
	sum := uint64(14695981039346656037) // FNV-1a
	for _, b := range id {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return sum + uint64(kind)
}
