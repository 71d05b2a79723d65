// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"aeroplane.run/authz"
)

// followed is a store whose replica follows a history.
func followed(t *testing.T, g *generation) *Store {
	s := new(Store)
	s.life, s.end = context.WithCancel(t.Context())
	if g != nil {
		s.loop.current.Store(g)
	}
	return s
}

// Who follows is told of what is newer than what they have seen, at once or as soon as it is applied, and of another history; and of nothing
// else that moves.
func TestFollow(t *testing.T) {
	t.Parallel()
	apply := func(s *Store) { s.loop.current.Load().apply(row(15, service("x"))); s.loop.moved.announce() }
	for _, test := range []struct {
		what string
		seen authz.Revision
		then func(s *Store) // after a minute
		want authz.Revision
		took time.Duration
	}{
		{"nothing was seen", authz.Revision{}, nil, rev(14), 0},
		{"something older was seen", rev(13), nil, rev(14), 0},
		{"another history was seen", other(14), nil, rev(14), 0},
		{"more was seen, of another replica", rev(15), nil, rev(14), 0},
		{"something is applied", rev(14), apply, rev(15), time.Minute},
		{"something is applied later", rev(14), func(s *Store) {
			s.loop.moved.announce() // as when a lease is extended
			time.AfterFunc(3*time.Hour, func() { apply(s) })
		}, rev(15), 3*time.Hour + time.Minute},
		{"the history is another one", rev(14), func(s *Store) { s.loop.current.Store(following(12, 12, roomy)); s.loop.moved.announce() }, rev(12), time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := followed(t, following(10, 14, roomy))
			defer s.end()
			if test.then != nil {
				time.AfterFunc(time.Minute, func() { test.then(s) })
			}
			began := time.Now()
			got, err := s.Follow(t.Context(), test.seen)
			if err != nil || got != test.want || time.Since(began) != test.took {
				t.Errorf("%s: %v, %v after %v; want %v after %v", test.what, got, err, time.Since(began), test.want, test.took)
			}
		})
	}
}

// Before there is a history there is nothing to tell.
func TestFollowBeforeTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := followed(t, nil)
		defer s.end()
		time.AfterFunc(time.Minute, func() { s.loop.current.Store(following(0, 0, roomy)); s.loop.moved.announce() })
		time.AfterFunc(time.Hour, func() { s.loop.current.Load().apply(row(1, service("x"))); s.loop.moved.announce() })
		began := time.Now()
		seen := *following(0, 0, roomy).applied.Load()
		if got, err := s.Follow(t.Context(), seen); err != nil || got != rev(1) || time.Since(began) != time.Hour {
			t.Errorf("%v, %v after %v", got, err, time.Since(began))
		}
	})
}

// Who follows gives up when nobody wants to know any more, or the store is closed.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what string
		end  func(s *Store, cancel context.CancelFunc)
	}{
		{"nobody wants to know", func(_ *Store, cancel context.CancelFunc) { cancel() }},
		{"the store is closed", func(s *Store, _ context.CancelFunc) { s.end() }},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := followed(t, following(10, 14, roomy))
			defer s.end()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Minute, func() { test.end(s, cancel) })
			began := time.Now()
			for range 2 { // the second of them at once
				got, err := s.Follow(ctx, rev(14))
				if authz.KindOf(err) != authz.Unavailable || got != (authz.Revision{}) || time.Since(began) != time.Minute {
					t.Errorf("%s: %v, %v after %v", test.what, got, err, time.Since(began))
				}
			}
		})
	}
}

// However many follow, each is told.
func TestFollowByMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := followed(t, following(10, 14, roomy))
		defer s.end()
		told := make(chan authz.Revision, 100)
		for range cap(told) {
			go func() {
				got, err := s.Follow(t.Context(), rev(14))
				if err != nil {
					t.Error(err)
				}
				told <- got
			}()
		}
		synctest.Wait()
		if n := len(told); n != 0 {
			t.Errorf("%d were told of nothing", n)
		}
		s.loop.current.Load().apply(row(15, service("x")))
		s.loop.moved.announce()
		for range cap(told) {
			if got := <-told; got != rev(15) {
				t.Errorf("told of %v", got)
			}
		}
	})
}
