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
// the way of that but entries, and places whose entry was removed. A place has the hash of its entry, so that who searches looks
// at no entry but the one that is wanted: as a rule each is in memory that was not looked at for long.
type table struct {
	in            *directory // where searches begin
	number        int        // of the table's places there
	live, removed int        // places that are taken, by what is there
	hand          uint64     // where evict looks next
}

// A directory has the places of the tables of all shards, and is replaced whole when one of them gets others. So the first that a
// search looks at is the same for all, and near.
type directory struct {
	atomic.Pointer[[shardCount]places]
}

func (d *directory) init() { d.Store(new([shardCount]places)) }

// kept is where to look for what is known, and for what is known not to exist.
type kept struct{ known, absent directory }

func (k *kept) init() {
	k.known.init()
	k.absent.init()
}

// get returns the entry of a subject, or nil.
func (k *kept) get(hash uint64, kind authz.SubjectKind, id []byte) *entry {
	known := k.known.Load()
	step("kept: places picked, not searched")
	e, _ := known[hash%shardCount].find(hash, kind, id)
	if e == nil {
		e, _ = k.absent.Load()[hash%shardCount].find(hash, kind, id)
	}
	return e
}

// places are where entries may be, as many as a power of two, or none.
type places []place

// A place may have an entry. The hash says nothing as long as there is none, or it is gone.
type place struct {
	entry atomic.Pointer[entry]
	hash  atomic.Uint64
}

// take puts an entry into the place. The hash comes first: who finds the entry finds its hash.
func (p *place) take(hash uint64, e *entry) {
	p.hash.Store(hash)
	p.entry.Store(e)
}

// at returns the place with a number, beginning anew behind the last.
func (p places) at(i uint64) *place { return &p[i&uint64(len(p)-1)] }

// find returns the entry of a subject, or nil, and its place.
func (p places) find(hash uint64, kind authz.SubjectKind, id []byte) (e *entry, at *place) {
	if len(p) == 0 {
		return nil, nil
	}
	for i := hash / shardCount; ; i++ {
		at = p.at(i)
		if e = at.entry.Load(); e == nil || at.hash.Load() == hash && e.is(kind, id) {
			return e, at
		}
	}
}

// places returns those that there are now.
func (t *table) places() places { return t.in.Load()[t.number] }

// move puts other places in the place of those.
func (t *table) move(to places) {
	for {
		was := t.in.Load()
		all := *was
		all[t.number] = to
		if t.in.CompareAndSwap(was, &all) {
			return
		}
	}
}

// put adds an entry, in the place of the one that there was of its subject.
func (t *table) put(hash uint64, e *entry) {
	if 3*(t.live+t.removed+1) > 2*len(t.places()) {
		t.rebuild()
	}
	at := t.places().of(hash, e)
	switch there := at.entry.Load(); there {
	case nil:
		t.live++
	case gone:
		t.live++
		t.removed--
	default:
		there.left.Store(true)
	}
	at.take(hash, e)
}

// of returns where an entry belongs: where the one of its subject is, or else the first place that is free.
func (p places) of(hash uint64, e *entry) (free *place) {
	for i := hash / shardCount; ; i++ {
		at := p.at(i)
		switch there := at.entry.Load(); {
		case there == nil && free == nil:
			return at
		case there == nil:
			return free
		case there == gone && free == nil:
			free = at
		case at.hash.Load() == hash && there.same(e):
			return at
		}
	}
}

// remove removes the entry of a subject, if there is one.
func (t *table) remove(hash uint64, kind authz.SubjectKind, id []byte) {
	if e, at := t.places().find(hash, kind, id); e != nil {
		t.clear(at)
	}
}

// has reports whether there is an entry of a subject.
func (t *table) has(hash uint64, kind authz.SubjectKind, id []byte) bool {
	e, _ := t.places().find(hash, kind, id)
	return e != nil
}

func (t *table) clear(at *place) {
	at.entry.Load().left.Store(true)
	at.entry.Store(gone)
	t.live--
	t.removed++
}

// evict removes some entry, of a table that has one.
func (t *table) evict() {
	for all := t.places(); ; t.hand++ {
		at := all.at(t.hand)
		if there := at.entry.Load(); there != nil && there != gone {
			t.clear(at)
			return
		}
	}
}

// rebuild makes places of which half is taken at most, with all entries and nothing else.
func (t *table) rebuild() {
	size := 8
	for size < 2*(t.live+1) {
		size *= 2
	}
	fresh := make(places, size)
	for hash, e := range t.all {
		fresh.of(hash, e).take(hash, e)
	}
	t.move(fresh)
	t.removed = 0
}

// all yields the entries, each with its hash.
func (t *table) all(yield func(uint64, *entry) bool) {
	all := t.places()
	for i := range all {
		at := &all[i]
		if e := at.entry.Load(); e != nil && e != gone && !yield(at.hash.Load(), e) {
			return
		}
	}
}

// empty removes all, which takes no longer if there is much: entries are not told.
func (t *table) empty() {
	t.move(nil)
	t.live, t.removed = 0, 0
}
