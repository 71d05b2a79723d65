// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"log/slog"
	"math/rand"
	"runtime"
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

// Of many keys, so many that pages grow and keys want each other's slot, each has one note, until it is taken.
func TestUseNotes(t *testing.T) {
	t.Parallel()
	n := newUseNotes()
	for _, keys := range []int64{5000, 100, 0, 7000} {
		want := make(map[string]int64)
		for _, later := range []int64{0, 2 * useGrain, useGrain} {
			for i := range keys {
				id := fmt.Sprint("key-", i)
				n.note(id, i+later)
				want[id] = i + 2*useGrain
			}
		}
		if diff := cmp.Diff(want, taking(t, n)); diff != "" {
			t.Errorf("of %d keys (-want +got):\n%s", keys, diff)
		}
	}
}

// A use is noted if it is later than the one noted by a second.
func TestUseGrain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		uses []int64
		want int64
	}{
		"the first":                    {[]int64{-5}, -5},
		"earlier":                      {[]int64{7, 6}, 7},
		"later by less":                {[]int64{7, 7 + useGrain - 1}, 7},
		"later by a second":            {[]int64{7, 7 + useGrain}, 7 + useGrain},
		"later by a second in the end": {[]int64{7, 7 + useGrain - 1, 7 + useGrain}, 7 + useGrain},
	} {
		n := newUseNotes()
		for _, at := range c.uses {
			n.note("a", at)
		}
		if diff := cmp.Diff(map[string]int64{"a": c.want}, taking(t, n)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Who found a page that was then replaced notes a use in the one that came after it, whether or not the key was known.
func TestReplacedPage(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(*testing.T, *useNotes){
		"taken": func(t *testing.T, n *useNotes) {
			if diff := cmp.Diff(map[string]int64{"known": 1}, taking(t, n)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"taken, and again in use": func(t *testing.T, n *useNotes) {
			n.take()
			n.note("known", 2)
			n.note("new", 2)
		},
		"grown": func(t *testing.T, n *useNotes) {
			n.shard(n.hash("known")).page.Store(n.shard(n.hash("known")).page.Load().grown())
		},
	} {
		n := newUseNotes()
		n.note("known", 1)
		known, unknown := n.shard(n.hash("known")), n.shard(n.hash("new"))
		old, older := known.page.Load(), unknown.page.Load()
		replace(t, n)
		known.note(old, n.hash("known"), "known", 2+useGrain)
		unknown.note(older, n.hash("new"), "new", 2+useGrain)
		want := map[string]int64{"known": 2 + useGrain, "new": 2 + useGrain}
		if diff := cmp.Diff(want, taking(t, n)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Keys with one hash have notes of their own.
func TestUseNotesSameHash(t *testing.T) {
	t.Parallel()
	n := newUseNotes()
	n.shards[0].add(1, "a", 1)
	n.shards[0].add(1, "b", 2)
	n.shards[0].add(1, "a", 1+useGrain)
	n.shards[0].add(1, "a", 1)
	want := map[string]int64{"a": 1 + useGrain, "b": 2}
	if diff := cmp.Diff(want, taking(t, n)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each key is used for the first time by several at once. The latest of their uses is noted.
func TestFirstUsesAtOnce(t *testing.T) {
	t.Parallel()
	const users, keys = 3, 20_000
	n := newUseNotes()
	together(users, func(user int) {
		for key := range keys {
			n.note(fmt.Sprint(key), int64(user)*useGrain)
		}
	})
	got := taking(t, n)
	for key := range keys {
		if at, want := got[fmt.Sprint(key)], (users-1)*useGrain; at != want {
			t.Errorf("key %d: noted %d, want %d", key, at, want)
		}
	}
}

// While keys are used twice each, notes are taken all the time. No second use goes into a note that was just taken.
func TestTakenMeanwhile(t *testing.T) {
	t.Parallel()
	n := newUseNotes()
	var ids []string // in one shard, so that it is taken from as often as can be
	for i := 0; len(ids) < 5000; i++ {
		if id := fmt.Sprint(i); n.shard(n.hash(id)) == &n.shards[0] {
			ids = append(ids, id)
		}
	}
	var used atomic.Bool
	got := make(map[string]int64)
	together(2, func(who int) {
		if who == 0 {
			for _, id := range ids {
				n.note(id, 1)
				n.note(id, 1+useGrain)
			}
			used.Store(true)
			return
		}
		for last := false; !last; {
			last = used.Load()
			for _, use := range n.shards[0].take(nil) {
				got[use.KeyID] = max(got[use.KeyID], use.At.UnixMicro())
			}
		}
	})
	for _, id := range ids {
		if at, want := got[id], 1+useGrain; at != want {
			t.Errorf("key %s: noted %d, want %d", id, at, want)
		}
	}
}

// While a note is used, it is taken. That is what it stays.
func TestTakenStaysTaken(t *testing.T) {
	t.Parallel()
	for range 1000 {
		var n useNote
		together(2, func(who int) {
			if who == 0 {
				for at := useGrain; at < 10_000*useGrain && n.use(at); at += useGrain {
				}
				return
			}
			for n.at.Load() == 0 {
				runtime.Gosched()
			}
			n.at.Store(taken)
		})
		if at := n.at.Load(); at != taken {
			t.Fatalf("it was taken, and then %d", at)
		}
	}
}

// together runs do for several users at once.
func together(users int, do func(user int)) {
	var all sync.WaitGroup
	for user := range users {
		all.Go(func() { do(user) })
	}
	all.Wait()
}

func TestUsedAllocatesNothing(t *testing.T) {
	r := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler))
	at := noon
	r.Used("a", at)
	if n := testing.AllocsPerRun(1000, func() { at = at.Add(time.Second); r.Used("a", at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkUsed notes uses of 100,000 keys, a few of them again and again. It is to be run with -cpu 1,2,...
func BenchmarkUsed(b *testing.B) {
	r := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler))
	ids := make([]string, 100_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("0190f3c2-7a10-7cc1-8d3e-%012x", i)
		r.Used(ids[i], noon)
	}
	draw := rand.NewZipf(rand.New(rand.NewSource(1)), 1.1, 1, uint64(len(ids)-1))
	asked := make([]string, 1<<17)
	for i := range asked {
		asked[i] = ids[draw.Uint64()]
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
