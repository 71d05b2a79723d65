// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// So many at once, and so many a second; what exists gives its token back.
func TestBudget(t *testing.T) {
	t.Parallel()
	var b budget
	take := func(now time.Duration) (n int) {
		for b.tryTake(now) {
			n++
		}
		return n
	}
	now := time.Hour
	if n := take(now); n != unknownBurst {
		t.Errorf("%d at once, want %d", n, unknownBurst)
	}
	now += time.Second / 2
	if n := take(now); n != unknownRate/2 {
		t.Errorf("%d after half a second, want %d", n, unknownRate/2)
	}
	for range 3 {
		b.giveBack()
	}
	if n := take(now); n != 3 {
		t.Errorf("%d after three were given back", n)
	}
	now += time.Hour
	if n := take(now); n != unknownBurst {
		t.Errorf("%d after an hour, want %d", n, unknownBurst)
	}
}

// A guarded database knows one key, and counts how often it is asked for keys.
type guarded struct {
	steady
	known authz.Subject
	reads atomic.Int64
}

func (d *guarded) Record(ctx context.Context, s authz.Subject, fresh bool) (r authz.Record, at authz.Revision, err error) {
	d.reads.Add(1)
	if s != d.known {
		return r, rev(1), nil
	}
	return d.steady.Record(ctx, s, fresh)
}

// A settable clock is where the test sets it.
type settable struct{ atomic.Int64 }

func (c *settable) Boot() time.Duration { return time.Duration(c.Load()) }

// A flood of keys that somebody made up reaches the database as often as the ration has it and no more. What is over is no
// decision, and meanwhile the key that exists is decided, also where its record has aged and must be read anew.
func TestAFloodOfUnknownKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := authz.Digest{0xff}
		db, clock := &guarded{known: authz.KeySubject(key)}, new(settable)
		s, err := Open(Config{Database: db, History: db, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		look := func(d authz.Digest) (authz.Facts, error) {
			return authz.FactsFrom(t.Context(), s, authz.Query{Kind: authz.KeyCredential, Digest: d, Scope: resolver.ProjectCreate})
		}
		decided := func() {
			t.Helper()
			if f, err := look(key); err != nil || !reflect.DeepEqual(f.Key, steadyKey) {
				t.Errorf("the key that exists: %+v, %v", f, err)
			}
		}
		decided()
		var made uint64 // keys up to now
		flood := func(n int) (unknown, refused int64) {
			var asking sync.WaitGroup
			var u, r atomic.Int64
			for range n {
				made++
				digest := authz.Digest{}
				binary.BigEndian.PutUint64(digest[1:], made)
				asking.Go(func() {
					f, err := look(digest)
					var known *authz.Error
					switch {
					case err == nil && f.Key == nil:
						u.Add(1)
					case errors.As(err, &known) && known.Kind == authz.Unavailable && known.Code == authz.CodeOverloaded:
						r.Add(1)
					default:
						t.Errorf("a key that nobody has: %+v, %v", f, err)
					}
				})
			}
			synctest.Wait() // those who are over wait for the ration now
			decided()
			asking.Wait()
			return u.Load(), r.Load()
		}
		for _, wave := range []struct {
			after time.Duration
			want  int64
		}{{0, unknownBurst}, {0, 0}, {time.Second / 2, unknownRate / 2}, {time.Hour, unknownBurst}} {
			clock.Add(int64(wave.after))
			before := db.reads.Load()
			const n = 2 * unknownBurst
			unknown, refused := flood(n)
			if reads := db.reads.Load() - before; reads != wave.want || unknown != wave.want || refused != n-wave.want {
				t.Errorf("%v later, of %d: %d reads, %d unknown, %d refused; want %d reads", wave.after, n, reads, unknown, refused, wave.want)
			}
		}
		before := db.reads.Load()
		sh, _ := s.loop.current.Load().shard(db.known)
		sh.age()
		if decided(); db.reads.Load() != before+1 {
			t.Error("the record did not age: the test proves nothing")
		}
	})
}
