// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A ledger is a database of one service, which is moved to one project after the other, by number.
type ledger struct {
	authz.Store
	mu   sync.Mutex
	rows []Row // guarded by mu; the project's number is the row's
}

func (l *ledger) newest() (r authz.Record, at authz.Revision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at = l.rows[len(l.rows)-1].Revision
	return authz.Record{Parent: strconv.FormatInt(at.Seq, 10)}, at
}

func (l *ledger) Record(_ context.Context, s authz.Subject, _ bool) (authz.Record, authz.Revision, error) {
	r, at := l.newest()
	switch s.Kind {
	case authz.OfKey:
		r = authz.Record{Key: steadyKey}
	case authz.OfProject:
		r = authz.Record{Projects: []authz.ProjectRef{{ID: s.ID}}}
	}
	return r, at, nil
}

func (l *ledger) PutServices(context.Context, authz.Change, []authz.Service) (authz.Counted, error) {
	l.mu.Lock()
	r := row(int64(len(l.rows)+1), service("v"))
	l.rows = append(l.rows, r)
	l.mu.Unlock()
	return authz.Counted{N: 1, Receipt: authz.Receipt{Revision: r.Revision, Narrowing: true}}, nil
}

func (l *ledger) Close() error { return nil }

func (l *ledger) Head(context.Context) (authz.Revision, error) {
	_, at := l.newest()
	return at, nil
}

func (l *ledger) Since(_ context.Context, from int64, limit int) ([]Row, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[from-1 : min(int(from)-1+limit, len(l.rows))], nil
}

func (l *ledger) Through(context.Context, int64, int) ([]Row, error) { return nil, nil }
func (l *ledger) Listen(ctx context.Context, _ func())               { <-ctx.Done() }

// With real goroutines, for the race detector: whoever asks after a move was answered finds the service there or further.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	db := &ledger{rows: []Row{row(1, authz.Subject{})}}
	s, err := Open(Config{Database: db, History: db})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 200 {
				moved, err := s.PutServices(t.Context(), authz.Change{}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				f, err := lookUp(t.Context(), s, authz.Query{Kind: authz.KeyCredential, Scope: resolver.Service, ID: "v"})
				if err != nil {
					t.Error(err)
					return
				}
				at, _ := strconv.ParseInt(f.Projects[0].ID, 10, 64)
				if at < moved.Revision.Seq || f.Revision.Seq != at {
					t.Errorf("moved at %v, found at %d, said to be at %v", moved.Revision, at, f.Revision)
				}
			}
		})
	}
	running.Wait()
}

// lookUp asks until what is asked for does not change faster than it can be read.
func lookUp(ctx context.Context, s *Store, q authz.Query) (f authz.Facts, err error) {
	for range 1000 {
		var known *authz.Error
		if f, err = authz.FactsFrom(ctx, s, q); !errors.As(err, &known) || known.Code != authz.CodeOverloaded {
			break
		}
	}
	return f, err
}
