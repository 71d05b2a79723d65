// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"hash/maphash"
	"sync"
	"time"
)

// useNotes are the latest uses of keys that are still to be written. A key that is in use all the time is noted once a useGrain
// and not more often, which its record sees to, so that it need not be fast to note one.
type useNotes struct {
	seed   maphash.Seed
	shards [64]useShard // so many that whoever notes a use seldom waits for others
}

// A useShard has the notes of some keys.
type useShard struct {
	mu     sync.Mutex
	latest map[string]int64 // by id, in microseconds since 1970, as it is stored
}

// useGrain is how much later than the one noted a use must be to be noted: a second, since what is shown lags by a minute anyway.
const useGrain = int64(time.Second / time.Microsecond)

func newUseNotes() *useNotes { return &useNotes{seed: maphash.MakeSeed()} }

// note notes a use, unless a later one is noted.
func (n *useNotes) note(keyID string, at int64) {
	s := &n.shards[maphash.String(n.seed, keyID)%uint64(len(n.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		s.latest = make(map[string]int64)
	}
	if was, known := s.latest[keyID]; !known || at > was {
		s.latest[keyID] = at
	}
}

// take returns all notes, and forgets them.
func (n *useNotes) take() []KeyUse {
	var uses []KeyUse
	for i := range n.shards {
		for id, at := range n.shards[i].take() {
			uses = append(uses, KeyUse{KeyID: id, At: time.UnixMicro(at).UTC()})
		}
	}
	return uses
}

// take keeps no room for as many notes as there were: it may be that most keys were used once.
func (s *useShard) take() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := s.latest
	s.latest = nil
	return latest
}
