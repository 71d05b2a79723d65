// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"aeroplane.run/authz"
)

// A table does what a map does, whatever is put and removed in whatever order, also where many hashes are the same.
func TestTable(t *testing.T) {
	t.Parallel()
	const subjects = 300
	for _, h := range []func(string) uint64{
		func(id string) uint64 { return newHash().of(authz.OfService, []byte(id)) },
		func(id string) uint64 { return uint64(len(id)) * shardCount },
	} {
		var hashes [subjects]uint64
		for i := range hashes {
			hashes[i] = h(strconv.Itoa(i))
		}
		chance := rand.New(rand.NewPCG(1, 2))
		want, got := map[int]int64{}, new(table)
		for step := range int64(20_000) {
			i := chance.IntN(subjects)
			s := service(strconv.Itoa(i))
			switch chance.IntN(20) {
			case 0:
				if len(want) > 0 {
					got.evict()
					for i := range want {
						if !got.has(hashes[i], authz.OfService, []byte(strconv.Itoa(i))) {
							delete(want, i)
						}
					}
				}
			case 1, 2, 3, 4, 5, 6, 7, 8, 9:
				delete(want, i)
				got.remove(hashes[i], s.Kind, []byte(s.ID))
			default:
				want[i] = step
				got.put(hashes[i], newEntry(s, authz.Record{Parent: "p"}, step))
			}
			if got.live != len(want) {
				t.Fatalf("step %d: %d entries, want %d", step, got.live, len(want))
			}
			e, _ := got.places.Load().find(hashes[i], s.Kind, []byte(s.ID))
			if seq, ok := want[i]; ok != (e != nil) || ok && e.seq != seq {
				t.Fatalf("step %d: %v, want %v, %v", step, e, seq, ok)
			}
		}
		n := 0
		for hash, e := range got.all {
			i, _ := strconv.Atoi(string(e.short[:e.size]))
			if want[i] != e.seq || hash != hashes[i] {
				t.Errorf("%d: %d with %x, want %d with %x", i, e.seq, hash, want[i], hashes[i])
			}
			n++
		}
		if n != len(want) {
			t.Errorf("%d entries, want %d", n, len(want))
		}
	}
}

// Whoever searches while others are put and removed, and the table grows, finds what is there all the time, and never what is
// another's.
func TestTableWhileItChanges(t *testing.T) {
	t.Parallel()
	var sh shard
	sh.init(roomy)
	h := newHash()
	hash := func(s authz.Subject) uint64 { return h.of(s.Kind, []byte(s.ID)) }
	steady := make([]authz.Subject, 20)
	for i := range steady {
		steady[i] = service("steady " + strconv.Itoa(i))
		sh.keep(hash(steady[i]), steady[i], authz.Record{Parent: steady[i].ID}, 1)
	}
	var over atomic.Bool
	var searching sync.WaitGroup
	for range 2 {
		searching.Go(func() {
			for !over.Load() {
				for _, s := range steady {
					if r, ok := sh.get(hash(s), s.Kind, []byte(s.ID)); !ok || r.Parent != s.ID {
						t.Errorf("%s: %v, %v", s.ID, r, ok)
						return
					}
				}
			}
		})
	}
	for round := range 30 {
		for i := range 500 {
			s := service(strconv.Itoa(i))
			sh.mu.Lock()
			sh.keep(hash(s), s, authz.Record{Parent: s.ID}, int64(round))
			sh.mu.Unlock()
		}
		for i := range 500 {
			sh.forget(hash(service(strconv.Itoa(i))), service(strconv.Itoa(i)), int64(round))
		}
	}
	over.Store(true)
	searching.Wait()
}
