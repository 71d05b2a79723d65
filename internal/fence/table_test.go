// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"math/rand/v2"
	"runtime"
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
		var in directory
		in.init()
		want, got := map[int]int64{}, table{in: &in}
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
			e, _ := got.places().find(hashes[i], s.Kind, []byte(s.ID))
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

// Tables of one directory get other places side by side, and none undoes what another did.
func TestTablesMove(t *testing.T) {
	t.Parallel()
	var in directory
	in.init()
	var moving sync.WaitGroup
	for number := range 4 {
		own := table{in: &in, number: number}
		moving.Go(func() {
			last := 0
			for i := range 20_000 {
				if got := len(own.places()); got != last {
					t.Errorf("table %d has %d places, want %d", number, got, last)
					return
				}
				last = i % 3
				own.move(make(places, last))
				runtime.Gosched()
			}
		})
	}
	moving.Wait()
}

// Whoever searches while others are put and removed, and the table grows, finds what is there all the time, and never what is
// another's.
func TestTableWhileItChanges(t *testing.T) {
	t.Parallel()
	sh := newBare(roomy)
	steady := make([]authz.Subject, 20)
	for i := range steady {
		steady[i] = service("steady " + strconv.Itoa(i))
		sh.keep(steady[i], authz.Record{Parent: steady[i].ID}, 1)
	}
	var over atomic.Bool
	var searching sync.WaitGroup
	for range 2 {
		searching.Go(func() {
			for !over.Load() {
				for _, s := range steady {
					if r, ok := sh.get(s); !ok || r.Parent != s.ID {
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
			sh.keep(s, authz.Record{Parent: s.ID}, int64(round))
			sh.mu.Unlock()
		}
		for i := range 500 {
			sh.forget(sh.hashOf(service(strconv.Itoa(i))), service(strconv.Itoa(i)), int64(round))
		}
	}
	over.Store(true)
	searching.Wait()
}
