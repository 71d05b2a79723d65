// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// useNotes are the latest uses of keys that are still to be written. Every decision on a key looks for its note, on all
// processors at once, and mostly there is one in which nothing needs to change. So looking takes no lock and writes nothing
// that others read; a lock is taken for the first use of a key since the notes were taken, and to take them.
type useNotes struct {
	seed   maphash.Seed
	shards [1 << useShardBits]useShard // a key is in the one that the first bits of its hash name
}

const useShardBits = 6

// A useShard has the notes of some keys, so that first uses, which come all at once after notes were taken, do not wait for
// each other. It is not padded: it is read far more often than locked, and this way they are all in a few cache lines.
type useShard struct {
	page atomic.Pointer[usePage] // its notes are not taken
	mu   sync.Mutex              // held by who adds to the page or replaces it
}

// A usePage is a hash table of notes. They are added and never removed, so that it can be read meanwhile. Whoever has a page
// that was then replaced finds all of its notes taken.
type usePage struct {
	notes []useNote // a power of two; a key's is where its hash says, or the next that was empty
	n     int       // how many are not empty; guarded by the shard's mu
}

// A useNote is the latest use of a key.
type useNote struct {
	at    atomic.Int64 // in microseconds since 1970, as it is stored; or empty, or taken
	hash  uint64       // not changed any more once at is set, nor is keyID
	keyID string
}

// What stands for the time in a note of no key, since none was used in that microsecond of 1970, and in one that was taken,
// which is earlier than all times.
const (
	empty = 0
	taken = math.MinInt64
)

// useGrain is how much later than the one noted a use must be to be noted: a second, since what is shown lags by a minute
// anyway. A key that is in use all the time is so on all processors, and if each use were noted, each of them would wait for
// the note to come back from another.
const useGrain = int64(time.Second / time.Microsecond)

func newUseNotes() *useNotes {
	n := &useNotes{seed: maphash.MakeSeed()}
	for i := range n.shards {
		n.shards[i].page.Store(newUsePage(0))
	}
	return n
}

// note notes a use.
func (n *useNotes) note(keyID string, at int64) {
	hash := n.hash(keyID)
	s := n.shard(hash)
	s.note(s.page.Load(), hash, keyID, at)
}

func (n *useNotes) hash(keyID string) uint64 { return maphash.String(n.seed, keyID) }

func (n *useNotes) shard(hash uint64) *useShard { return &n.shards[hash>>(64-useShardBits)] }

// take returns all notes, and forgets them.
func (n *useNotes) take() []KeyUse {
	var uses []KeyUse
	for i := range n.shards {
		uses = n.shards[i].take(uses)
	}
	return uses
}

// note notes a use for somebody who found this page, which may have been replaced since.
func (s *useShard) note(page *usePage, hash uint64, keyID string, at int64) {
	if note, known := page.find(hash, keyID); !known || !note.use(at) {
		s.add(hash, keyID, at)
	}
}

func (s *useShard) add(hash uint64, keyID string, at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := s.page.Load()
	if note, known := page.find(hash, keyID); known {
		note.use(at)
		return
	}
	if page.n == roomIn(len(page.notes)) {
		page = page.grown()
		s.page.Store(page)
	}
	page.add(hash, keyID, at)
}

// take begins a new page, and then takes the notes of the old one. Who found one there before can change it until the very
// moment that it is taken, and looks in the new page from then on: no use is lost in between.
func (s *useShard) take(uses []KeyUse) []KeyUse {
	s.turn().take(func(note *useNote, at int64) {
		uses = append(uses, KeyUse{KeyID: note.keyID, At: time.UnixMicro(at).UTC()})
	})
	return uses
}

// turn begins a new page, with room for as many keys as there were, and returns the old one, to which nobody adds any more.
func (s *useShard) turn() *usePage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.page.Swap(newUsePage(s.page.Load().n))
}

// newUsePage returns a page with room for n notes.
func newUsePage(n int) *usePage {
	size := 8
	for roomIn(size) < n {
		size *= 2
	}
	return &usePage{notes: make([]useNote, size)}
}

// roomIn is how many notes of so many may be of a key: with more, it takes long to find one.
func roomIn(notes int) int { return notes / 4 * 3 }

// grown takes the notes of a page that is full, and returns one that has them and more room.
func (p *usePage) grown() *usePage {
	more := newUsePage(p.n + 1)
	p.take(func(note *useNote, at int64) { more.add(note.hash, note.keyID, at) })
	return more
}

// take takes all notes, and yields each with the time that it had. Nobody may add to the page any more.
func (p *usePage) take(yield func(note *useNote, at int64)) {
	for i := range p.notes {
		if note := &p.notes[i]; note.at.Load() != empty {
			yield(note, note.at.Swap(taken))
		}
	}
}

// add adds a note of a key that has none. There must be room.
func (p *usePage) add(hash uint64, keyID string, at int64) {
	note, _ := p.find(hash, keyID)
	note.hash, note.keyID = hash, keyID
	note.at.Store(at) // last: from here on it may be read
	p.n++
}

// find returns the note of a key, or the empty one where it belongs.
func (p *usePage) find(hash uint64, keyID string) (note *useNote, known bool) {
	for i := hash; ; i++ {
		note := &p.notes[i&uint64(len(p.notes)-1)]
		if note.at.Load() == empty {
			return note, false
		}
		if note.hash == hash && note.keyID == keyID {
			return note, true
		}
	}
}

// use notes a use, and reports whether the note was still there to be changed.
func (n *useNote) use(at int64) bool {
	for {
		was := n.at.Load()
		if at < was+useGrain {
			return true
		}
		if was == taken {
			return false
		}
		if n.at.CompareAndSwap(was, at) {
			return true
		}
	}
}
