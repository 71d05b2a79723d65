// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"sync/atomic"

	"aeroplane.run/authz"
)

// A table holds records by subject. Whoever searches it takes no lock, and only loads: so searches do not wait for each other,
// nor for who writes. Changes are made one at a time, by whoever holds the lock of the table's shard.
//
// A search that runs beside a change finds what was there before it or after, and so does one that goes on in the places
// that a table had before it grew. Either is as if it had been made a moment sooner; who has to know that nothing changed
// meanwhile looks at generation.applied, before the search and after.
//
// Places follow each other: an entry is in the first place that was free, from the one that its hash names on. Nothing is in
// the way of that but entries, and places whose entry was removed.
type table struct {
	places        atomic.Pointer[places] // nil as long as nothing was put
	live, removed int                    // places that are taken, by what is there
	hand          uint64                 // where evict looks next
}

// places are where entries may be, as many as a power of two.
type places []atomic.Pointer[entry]

// at returns the place with a number, beginning anew behind the last.
func (p places) at(i uint64) *atomic.Pointer[entry] { return &p[i&uint64(len(p)-1)] }

// find returns the entry of a subject, or nil, and its place.
func (p *places) find(hash uint64, kind authz.SubjectKind, id []byte) (e *entry, at *atomic.Pointer[entry]) {
	if p == nil {
		return nil, nil
	}
	for i := hash / shardCount; ; i++ {
		at = p.at(i)
		if e = at.Load(); e == nil || e.is(kind, id) {
			return e, at
		}
	}
}

// put adds an entry, in the place of the one that there was of its subject. of tells the hash of any that is there.
func (t *table) put(hash uint64, e *entry, of func(*entry) uint64) {
	if all := t.places.Load(); all == nil || 3*(t.live+t.removed+1) > 2*len(*all) {
		t.rebuild(of)
	}
	at := t.places.Load().of(hash, e)
	switch at.Load() {
	case nil:
		t.live++
	case gone:
		t.live++
		t.removed--
	}
	at.Store(e)
}

// of returns where an entry belongs: where the one of its subject is, or else the first place that is free.
func (p places) of(hash uint64, e *entry) (free *atomic.Pointer[entry]) {
	for i := hash / shardCount; ; i++ {
		at := p.at(i)
		switch there := at.Load(); {
		case there == nil && free == nil:
			return at
		case there == nil:
			return free
		case there == gone && free == nil:
			free = at
		case there.same(e):
			return at
		}
	}
}

// remove removes the entry of a subject, if there is one.
func (t *table) remove(hash uint64, kind authz.SubjectKind, id []byte) {
	if e, at := t.places.Load().find(hash, kind, id); e != nil {
		t.clear(at)
	}
}

// has reports whether there is an entry of a subject.
func (t *table) has(hash uint64, kind authz.SubjectKind, id []byte) bool {
	e, _ := t.places.Load().find(hash, kind, id)
	return e != nil
}

func (t *table) clear(at *atomic.Pointer[entry]) {
	at.Store(gone)
	t.live--
	t.removed++
}

// evict removes some entry, of a table that has one.
func (t *table) evict() {
	for all := t.places.Load(); ; t.hand++ {
		at := all.at(t.hand)
		if there := at.Load(); there != nil && there != gone {
			t.clear(at)
			return
		}
	}
}

// rebuild makes places of which half is taken at most, with all entries and nothing else.
func (t *table) rebuild(of func(*entry) uint64) {
	size := 8
	for size < 2*(t.live+1) {
		size *= 2
	}
	fresh := make(places, size)
	for e := range t.all {
		fresh.of(of(e), e).Store(e)
	}
	t.places.Store(&fresh)
	t.removed = 0
}

// all yields the entries.
func (t *table) all(yield func(*entry) bool) {
	all := t.places.Load()
	if all == nil {
		return
	}
	for i := range *all {
		if e := (*all)[i].Load(); e != nil && e != gone && !yield(e) {
			return
		}
	}
}

// empty removes all, which takes no longer if there is much.
func (t *table) empty() {
	t.places.Store(nil)
	t.live, t.removed = 0, 0
}
