// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A stale database answers every question with one revision, and notes whether it was asked on a fresh connection.
type stale struct {
	steady
	at    authz.Revision
	fresh *[]bool
}

func (d stale) Record(ctx context.Context, s authz.Subject, fresh bool) (authz.Record, authz.Revision, error) {
	*d.fresh = append(*d.fresh, fresh)
	r, _, err := d.steady.Record(ctx, s, fresh)
	return r, d.at, err
}

// A record that is not admitted is read again, on a fresh connection where the server that was asked may be the wrong one.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what string
		at   authz.Revision
		want []bool
	}{
		{"it changed meanwhile", rev(14), []bool{false, false, true}},
		{"it is of another history", other(16), []bool{false, true, true}},
		{"it is older than anybody remembers", rev(9), []bool{false, true, true}},
		{"it is newer than what is applied, and that stands still", rev(21), []bool{false, true, true}},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			var fresh []bool
			g := following(10, 14, roomy)
			g.apply(row(15, authz.Subject{Kind: authz.OfKey, ID: string(make([]byte, 32))}))
			for _, r := range rows(16, 20) {
				g.apply(r)
			}
			g.extend(forEver)
			from := readerOn(t, stale{at: test.at, fresh: &fresh}, g)
			look := authz.Lookup{Query: authz.Query{Kind: authz.KeyCredential, Scope: resolver.ProjectList}}
			if _, err := look.Gather(from); err == nil {
				t.Error("it was admitted")
			}
			if !slices.Equal(fresh, test.want) {
				t.Errorf("fresh connections: %v, want %v", fresh, test.want)
			}
		})
	}
}

// Who reads what is newer than what is applied waits for it to be applied, while the history's reader may be busy with a round
// that a slow disk holds up: a key that somebody has just made and uses works.
func TestReadAheadOfASlowRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fresh []bool
		g := following(10, 20, roomy)
		g.extend(forEver)
		from := readerOn(t, stale{at: rev(21), fresh: &fresh}, g)
		time.AfterFunc(400*time.Millisecond, func() { g.apply(row(21, service("x"))); from.loop.moved.announce() })
		began := time.Now()
		r, err := from.fill(authz.Subject{Kind: authz.OfKey, ID: "k"})
		if took := time.Since(began); err != nil || r.Key != steadyKey || took != 400*time.Millisecond || len(fresh) != 1 {
			t.Errorf("%v, %v after %v and %d readings; want the key after one, and 400ms", r, err, took, len(fresh))
		}
	})
}

// readerOn is a look-up that reads a database under a generation.
func readerOn(t *testing.T, db authz.Store, g *generation) *reader {
	s := &Store{config: Config{Database: db, Observer: nobody{}, Clock: fixed(0)}, life: t.Context()}
	s.loop.wake = newBell()
	s.fills = fills{Config: &s.config, life: s.life, loop: &s.loop, slots: make(chan struct{}, 1), flights: map[route]*flight{}}
	return &reader{fills: &s.fills, ctx: t.Context(), g: g}
}

// A fixed clock stands still.
type fixed time.Duration

func (c fixed) Boot() time.Duration { return time.Duration(c) }
