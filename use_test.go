// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// uses is a UseStore in memory that can fail.
type uses struct {
	mu     sync.Mutex
	writes []map[string]time.Time
	fail   error
}

func (u *uses) RecordUse(_ context.Context, batch []KeyUse) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fail != nil {
		return u.fail
	}
	write := map[string]time.Time{}
	for _, use := range batch {
		if use.At.After(write[use.KeyID]) {
			write[use.KeyID] = use.At
		}
	}
	u.writes = append(u.writes, write)
	return nil
}

// A key that is used all the time is written once a minute, with its latest use; what is left is written at the end.
func TestUseRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &uses{}
		r := NewUseRecorder(store, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { r.Run(ctx, time.Minute, time.Second) })

		busy, late := &KeyRecord{ID: "busy"}, &KeyRecord{ID: "late"}
		start := time.Now()
		for time.Since(start) < 150*time.Second {
			r.Used(busy, time.Now())
			time.Sleep(time.Second)
		}
		r.Used(late, start.Add(time.Hour))
		r.Used(late, start) // earlier: changes nothing
		r.Used(&KeyRecord{ID: "late"}, start)
		stop()
		done.Wait()

		at := func(seconds int) time.Time { return stamp(start.Add(time.Duration(seconds) * time.Second)) }
		want := []map[string]time.Time{
			{"busy": at(59)}, {"busy": at(119)}, {"busy": at(149), "late": at(3600)},
		}
		// Whether a use at the very tick is in this write or the next is left to the scheduler.
		if len(store.writes) == 3 {
			for i, second := range []int{60, 120} {
				if store.writes[i]["busy"].Equal(at(second)) {
					want[i]["busy"] = at(second)
				}
			}
		}
		if diff := cmp.Diff(want, store.writes); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

// What could not be written is kept, with the later of two times, and said in the log.
func TestUseRecorderKeepsWhatFailed(t *testing.T) {
	var log bytes.Buffer
	store := &uses{fail: errors.New("no database")}
	r := NewUseRecorder(store, slog.New(slog.NewTextHandler(&log, nil)))
	r.Used(&KeyRecord{ID: "a"}, noon)
	b := &KeyRecord{ID: "b"}
	r.Used(b, noon)
	r.Flush(t.Context())
	r.Used(b, noon.Add(time.Second))
	if !strings.Contains(log.String(), "no database") {
		t.Errorf("log: %s", &log)
	}
	store.fail = nil
	r.Flush(t.Context())
	r.Flush(t.Context()) // nothing is left
	want := []map[string]time.Time{{"a": noon, "b": noon.Add(time.Second)}}
	if diff := cmp.Diff(want, store.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
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
		store := &uses{}
		r, key := NewUseRecorder(store, slog.New(slog.DiscardHandler)), &KeyRecord{ID: "a"}
		for _, at := range c.uses {
			r.Used(key, noon.Add(time.Duration(at)*time.Microsecond))
		}
		r.Flush(t.Context())
		want := []map[string]time.Time{{"a": noon.Add(time.Duration(c.want) * time.Microsecond)}}
		if diff := cmp.Diff(want, store.writes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A record is on the list once, until it is taken. Which is used again after that is on the list again.
func TestUsedIsListedOnce(t *testing.T) {
	t.Parallel()
	r, key := NewUseRecorder(&uses{}, slog.New(slog.DiscardHandler)), &KeyRecord{ID: "a"}
	for i := range 3 {
		for j := range 5 {
			r.Used(key, noon.Add(time.Duration(i*5+j)*time.Second))
		}
		if n := len(r.used); n != 1 {
			t.Errorf("listed %d times", n)
		}
		r.Flush(t.Context())
	}
}

// While keys are used by several, with one record of each or with many, what is noted is written all the time, or not, since the
// database is away. The latest use of each key is written in the end.
func TestFlushedMeanwhile(t *testing.T) {
	t.Parallel()
	const users, keys = 3, 5000
	store := &uses{}
	r := NewUseRecorder(store, slog.New(slog.DiscardHandler))
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
				r.Used(&KeyRecord{ID: fmt.Sprint("alone ", i)}, at)
			}
		})
	}
	var over atomic.Bool
	var flushing sync.WaitGroup
	flushing.Go(func() {
		for n := 0; !over.Load(); n++ {
			store.mu.Lock()
			store.fail = nil
			if n%2 == 0 {
				store.fail = errors.New("no database")
			}
			store.mu.Unlock()
			r.Flush(t.Context())
		}
	})
	using.Wait()
	over.Store(true)
	flushing.Wait()
	store.fail = nil
	r.Flush(t.Context())
	got := make(map[string]time.Time)
	for _, write := range store.writes {
		for id, at := range write {
			if at.After(got[id]) {
				got[id] = at
			}
		}
	}
	for i := range shared {
		for _, id := range []string{shared[i].ID, fmt.Sprint("alone ", i)} {
			if at, want := got[id], noon.Add((users-1)*time.Second); !at.Equal(want) {
				t.Errorf("key %s: written %v, want %v", id, at, want)
			}
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
