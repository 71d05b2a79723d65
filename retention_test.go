// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// swept is a store that says what time it is, and notes what it is told to delete.
type swept struct {
	now   time.Time
	back  time.Time // until then it is away
	swept []Cutoffs
	by    []Change
}

func (s *swept) Lookup(_ context.Context, l *Lookup) error {
	if time.Now().Before(s.back) {
		return errors.New("the store is away")
	}
	l.Facts.Now = s.now
	return nil
}

func (s *swept) Sweep(_ context.Context, c Change, keep Cutoffs) error {
	s.swept, s.by = append(s.swept, keep), append(s.by, c)
	return nil
}

// A machine whose clock is years ahead must not make everybody forget which sessions were revoked.
func TestRetentionGoesByTheClockOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noon := time.Now().AddDate(-20, 0, 0) // for the store
		store := &swept{now: noon}
		keep := Retention{Events: time.Hour, Sessions: 2 * time.Hour, RequestIDs: 3 * time.Hour} // keys for ever
		ctx, cancel := context.WithCancel(t.Context())
		go keep.Run(ctx, store, time.Minute, slog.New(slog.DiscardHandler))
		time.Sleep(90 * time.Second)
		cancel()
		synctest.Wait()

		one := Cutoffs{Events: noon.Add(-time.Hour), Sessions: noon.Add(-2 * time.Hour), RequestIDs: noon.Add(-3 * time.Hour)}
		truncated := cmp.Comparer(func(a, b time.Time) bool { return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond)) })
		if diff := cmp.Diff([]Cutoffs{one, one}, store.swept, truncated); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if by := store.by[0]; by.Actor.Role != CallerRoleSystem || by.At.After(noon) {
			t.Errorf("it was by %+v", by)
		}
	})
}

func TestWithoutAClockNothingIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &swept{now: time.Now(), back: time.Now().Add(90 * time.Second)}
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		go Retention{Sessions: time.Hour}.Run(ctx, store, time.Hour, slog.New(slog.NewTextHandler(&log, nil)))
		time.Sleep(3 * time.Minute) // it tries at once, and after one minute and two
		cancel()
		synctest.Wait()
		if tries := strings.Count(log.String(), "the store is away"); tries != 2 || len(store.swept) != 1 {
			t.Errorf("deleted %d times, and said: %s", len(store.swept), log.String())
		}
	})
}
