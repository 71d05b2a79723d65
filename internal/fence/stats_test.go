// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// A diverging database is steady until its history is another one.
type diverging struct {
	steady
	diverged atomic.Bool
}

func (d *diverging) rows() []Row {
	all := rows(1, 1)
	if d.diverged.Load() {
		all[0].Tag++
	}
	return all
}

func (d *diverging) Head(context.Context) (authz.Revision, error)     { return d.rows()[0].Revision, nil }
func (d *diverging) Since(context.Context, int64, int) ([]Row, error) { return d.rows(), nil }
func (d *diverging) Round(context.Context, MemberID, authz.Revision, int) (Answer, error) {
	return Answer{Rows: d.rows(), Clock: time.Now()}, nil
}

func (d *diverging) Record(ctx context.Context, s authz.Subject, fresh bool) (authz.Record, authz.Revision, error) {
	r, _, err := d.steady.Record(ctx, s, fresh)
	return r, d.rows()[0].Revision, err
}

// What is counted goes on when the caches begin anew.
func TestReadsAreCountedOn(t *testing.T) {
	db := new(diverging)
	s := openOn(t, db)
	q := authz.Query{Kind: authz.KeyCredential, Digest: authz.Digest{1}}
	for range 3 {
		if _, err := authz.FactsFrom(t.Context(), s, q); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Stats()
	if before.Hits == 0 || before.Misses == 0 {
		t.Fatalf("%+v", before)
	}
	db.diverged.Store(true)
	for limit := time.Now().Add(10 * time.Second); s.Stats().Applied == before.Applied; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it goes on with the history of before")
		}
	}
	if after := s.Stats(); after.Hits != before.Hits || after.Misses != before.Misses {
		t.Errorf("%+v, before %+v", after, before)
	}
	if _, err := authz.FactsFrom(t.Context(), s, q); err != nil || s.Stats().Misses == before.Misses {
		t.Error(err, s.Stats())
	}
}
