// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"log/slog"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// taking takes all notes, and complains about a key that has two.
func taking(t *testing.T, n *useNotes) map[string]int64 {
	t.Helper()
	notes := make(map[string]int64)
	for _, use := range n.take() {
		if _, twice := notes[use.KeyID]; twice {
			t.Errorf("%s has two notes", use.KeyID)
		}
		notes[use.KeyID] = use.At.UnixMicro()
	}
	return notes
}

// Of many keys each has one note, the latest, until it is taken.
func TestUseNotes(t *testing.T) {
	t.Parallel()
	n := newUseNotes()
	for _, keys := range []int64{5000, 100, 0, 7000} {
		want := make(map[string]int64)
		for _, later := range []int64{0, 2, 1} {
			for i := range keys {
				id := fmt.Sprint("key-", i)
				n.note(id, i+later-10)
				want[id] = i + 2 - 10
			}
		}
		if diff := cmp.Diff(want, taking(t, n)); diff != "" {
			t.Errorf("of %d keys (-want +got):\n%s", keys, diff)
		}
	}
}

// A use is noted if it is later by a second than the one that the key's record has.
func TestUseGrain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		uses []int64
		want int64
	}{
		"the first":                    {[]int64{5}, 5},
		"earlier":                      {[]int64{7, 6}, 7},
		"later by less":                {[]int64{7, 7 + useGrain - 1}, 7},
		"later by a second":            {[]int64{7, 7 + useGrain}, 7 + useGrain},
		"later by a second in the end": {[]int64{7, 7 + useGrain - 1, 7 + useGrain}, 7 + useGrain},
	} {
		r, key := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler)), &KeyRecord{ID: "a"}
		for _, at := range c.uses {
			r.Used(key, noon.Add(time.Duration(at)*time.Microsecond))
		}
		if diff := cmp.Diff(map[string]int64{"a": noon.UnixMicro() + c.want}, taking(t, r.notes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// While keys are used by several, with one record of each or with many, notes are taken all the time. The latest use of each key is in
// one of them.
func TestTakenMeanwhile(t *testing.T) {
	t.Parallel()
	const users, keys = 3, 5000
	r := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler))
	shared := make([]KeyRecord, keys)
	for i := range shared {
		shared[i].ID = fmt.Sprint(i)
	}
	var using sync.WaitGroup
	for user := range users {
		using.Go(func() {
			at := noon.Add(time.Duration(user) * time.Second)
			for i := range shared {
				r.Used(&shared[i], at)
				r.Used(&KeyRecord{ID: shared[i].ID}, at)
			}
		})
	}
	var over atomic.Bool
	got := make(map[string]int64)
	var taking sync.WaitGroup
	taking.Go(func() {
		for last := false; !last; {
			last = over.Load()
			for _, use := range r.notes.take() {
				got[use.KeyID] = max(got[use.KeyID], use.At.UnixMicro())
			}
		}
	})
	using.Wait()
	over.Store(true)
	taking.Wait()
	for i := range shared {
		if at, want := got[shared[i].ID], noon.Add((users-1)*time.Second).UnixMicro(); at != want {
			t.Errorf("key %d: noted %d, want %d", i, at, want)
		}
	}
}

func TestUsedAllocatesNothing(t *testing.T) {
	r := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler))
	at, key := noon, &KeyRecord{ID: "a"}
	r.Used(key, at)
	if n := testing.AllocsPerRun(1000, func() { at = at.Add(time.Second); r.Used(key, at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkUsed notes uses of 100,000 keys, a few of them again and again. It is to be run with -cpu 1,2,...
func BenchmarkUsed(b *testing.B) {
	r := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler))
	keys := make([]KeyRecord, 100_000)
	for i := range keys {
		keys[i].ID = fmt.Sprintf("0190f3c2-7a10-7cc1-8d3e-%012x", i)
		r.Used(&keys[i], noon)
	}
	draw := rand.NewZipf(rand.New(rand.NewSource(1)), 1.1, 1, uint64(len(keys)-1))
	asked := make([]*KeyRecord, 1<<17)
	for i := range asked {
		asked[i] = &keys[draw.Uint64()]
	}
	var begun atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		at := noon
		for i := begun.Add(1) * 50_000; pb.Next(); i++ {
			at = at.Add(10 * time.Microsecond)
			r.Used(asked[i%int64(len(asked))], at)
		}
	})
}
