// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"slices"
	"sync"

	"aeroplane.run/authz"
)

// shardCount is so large that who brings records seldom waits for others who do, and so small that what all searches begin with
// stays in a processor's cache.
const shardCount = 64

// limits bound what a generation holds.
type limits struct {
	window int // rows of the log
	batch  int // rows of the log in one answer
	known  int // records of what exists
	absent int // records that say that nothing is known, apart, so that a flood of them displaces no other
}

// A shard is the records of some of the subjects. Who reads records takes no lock. Who changes something does, and never holds it
// while anything is waited for.
type shard struct {
	known table
	// absent are the subjects that are known not to exist.
	absent table

	mu sync.Mutex // held to change a table, and for all below
	// last holds the number of the newest row of the window about a subject.
	last map[authz.Subject]int64
	// former are the hashes of the subjects that were known when all records were let go of because of their age, sorted.
	former []uint64

	maxKnown, maxAbsent int
}

func (sh *shard) init(l limits, known, absent table) {
	sh.known, sh.absent = known, absent
	sh.last = make(map[authz.Subject]int64)
	sh.maxKnown, sh.maxAbsent = max(1, l.known/shardCount), max(1, l.absent/shardCount)
}

// knew reports whether a subject is known to exist, or was until its record was let go of because of its age.
func (sh *shard) knew(hash uint64, s authz.Subject) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, former := slices.BinarySearch(sh.former, hash)
	return former || sh.known.has(hash, s.Kind, []byte(s.ID))
}

// keep keeps a record that was admitted. Where there is no room, any other makes way. The lock is held.
func (sh *shard) keep(hash uint64, s authz.Subject, r authz.Record, seq int64) {
	to, other, most := &sh.known, &sh.absent, sh.maxKnown
	if r.Absent() {
		to, other, most = &sh.absent, &sh.known, sh.maxAbsent
	}
	id := []byte(s.ID)
	other.remove(hash, s.Kind, id)
	for to.live >= most && !to.has(hash, s.Kind, id) {
		to.evict()
	}
	to.put(hash, newEntry(s, r, seq))
}

// forget lets go of a subject that changed.
func (sh *shard) forget(hash uint64, s authz.Subject, seq int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.last[s] = seq
	sh.known.remove(hash, s.Kind, []byte(s.ID))
	sh.absent.remove(hash, s.Kind, []byte(s.ID))
}

// forgetAll lets go of everything. What was last is less than lastAll by now.
func (sh *shard) forgetAll() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.known.empty()
	sh.absent.empty()
	sh.former, sh.last = nil, make(map[authz.Subject]int64)
}

// age lets go of all records. Which subjects existed is known until the next time, and when they changed last for longer.
func (sh *shard) age() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.former = make([]uint64, 0, sh.known.live)
	for hash, e := range sh.known.all {
		sh.former = append(sh.former, hash)
		e.left.Store(true)
	}
	slices.Sort(sh.former)
	sh.known.empty()
	sh.absent.empty()
}

// note notes a change further back. A newer one counts.
func (sh *shard) note(s authz.Subject, seq int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.last[s] < seq {
		sh.last[s] = seq
	}
}

// prune forgets that a subject changed at a row that has left the window.
func (sh *shard) prune(s authz.Subject, seq int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.last[s] == seq {
		delete(sh.last, s)
	}
}

// size returns how many records are kept.
func (sh *shard) size() (known, absent int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.known.live, sh.absent.live
}
