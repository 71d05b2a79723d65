// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"strings"
	"sync"
	"sync/atomic"

	"aeroplane.run/authz"
)

// shardCount is so large that requests seldom meet in one.
const shardCount = 256

// limits bound what a generation holds.
type limits struct {
	window int // rows of the log
	batch  int // rows of the log in one answer
	known  int // records of what exists
	absent int // records that say that nothing is known, apart, so that a flood of them displaces no other
}

// A shard is the records of some of the subjects. Its lock is never held while anything is waited for.
type shard struct {
	mu    sync.RWMutex
	known map[authz.Subject]kept
	// absent holds, of the subjects that are known not to exist, the number of the revision.
	absent map[authz.Subject]int64
	// last holds the number of the newest row of the window about a subject.
	last map[authz.Subject]int64

	maxKnown, maxAbsent int
	hits, misses        atomic.Uint64 // of look-ups in memory alone
}

type kept struct {
	record authz.Record
	seq    int64 // of the revision that it was read at
	aged   bool  // it is not used any more; but it was there
}

func (sh *shard) init(l limits) {
	sh.empty()
	sh.maxKnown, sh.maxAbsent = max(1, l.known/shardCount), max(1, l.absent/shardCount)
}

func (sh *shard) empty() {
	sh.known, sh.absent = make(map[authz.Subject]kept), make(map[authz.Subject]int64)
	sh.last = make(map[authz.Subject]int64)
}

// get returns the record of a subject, if it is kept.
func (sh *shard) get(s authz.Subject) (r authz.Record, ok bool) {
	sh.mu.RLock()
	k, ok := sh.known[s]
	if !ok {
		_, ok = sh.absent[s]
	}
	sh.mu.RUnlock()
	return k.record, ok && !k.aged
}

// knew reports whether a subject is known to exist, or was until its record aged.
func (sh *shard) knew(s authz.Subject) bool {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	_, ok := sh.known[s]
	return ok
}

// keep keeps a record that was admitted. Where there is no room, any other makes way. The lock is held.
func (sh *shard) keep(s authz.Subject, r authz.Record, seq int64) {
	delete(sh.known, s)
	delete(sh.absent, s)
	s.ID = strings.Clone(s.ID) // which may be a small part of a long request
	if r.Absent() {
		makeRoom(sh.absent, sh.maxAbsent)
		sh.absent[s] = seq
		return
	}
	makeRoom(sh.known, sh.maxKnown)
	sh.known[s] = kept{record: r, seq: seq}
}

func makeRoom[V any](m map[authz.Subject]V, most int) {
	for s := range m {
		if len(m) < most {
			return
		}
		delete(m, s) // the first that comes: maps begin anywhere
	}
}

// forget lets go of a subject that changed.
func (sh *shard) forget(s authz.Subject, seq int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.last[s] = seq
	delete(sh.known, s)
	delete(sh.absent, s)
}

// forgetAll lets go of everything. What was last is less than lastAll by now.
func (sh *shard) forgetAll() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.empty() // which takes no longer if there is much
}

// age lets go of all records. Which subjects existed is known until the next time, and when they changed last for longer.
func (sh *shard) age() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.absent = make(map[authz.Subject]int64)
	for s, k := range sh.known {
		if k.aged {
			delete(sh.known, s)
		} else {
			sh.known[s] = kept{seq: k.seq, aged: true}
		}
	}
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
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return len(sh.known), len(sh.absent)
}
