// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
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
		write[use.KeyID] = use.At
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
