// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A steady database never changes and is never away. It has whatever it is asked for.
type steady struct {
	authz.Store
	Log
	Members
}

var steadyKey = &authz.KeyRecord{ID: "k", Access: authz.Write, Projects: authz.ProjectScope{IDs: []string{"p1", "p2", "p3"}}}

func (steady) Record(_ context.Context, s authz.Subject, _ bool) (r authz.Record, at authz.Revision, err error) {
	switch s.Kind {
	case authz.OfKey:
		r.Key = steadyKey
	case authz.OfService, authz.OfDeployment:
		r.Parent = "p1"
	default:
		r.Projects = []authz.ProjectRef{{ID: "p1"}}
	}
	return r, rev(1), nil
}

func (steady) Close() error                                             { return nil }
func (steady) Head(context.Context) (authz.Revision, error)             { return rev(1), nil }
func (steady) Since(context.Context, int64, int) ([]Row, error)         { return rows(1, 1), nil }
func (steady) Listen(ctx context.Context, _ func())                     { <-ctx.Done() }
func (steady) Join(context.Context, Member) error                       { return nil }
func (steady) Leave(context.Context, MemberID) error                    { return nil }
func (steady) List(context.Context, []authz.Revision) (r Roll, e error) { return }
func (steady) Round(context.Context, MemberID, authz.Revision, int) (Answer, error) {
	return Answer{Rows: rows(1, 1), Clock: time.Now()}, nil
}

func openSteady(t testing.TB) *Store { return openOn(t, steady{}) }

// openOn opens a replica on a database of the tests' own.
func openOn(t testing.TB, db interface {
	authz.Store
	Log
	Members
}) *Store {
	clock, err := SystemClock()
	if err != nil {
		t.Skip(err)
	}
	s, err := Open(Config{Database: db, History: db, Members: db, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// What is kept is looked up without a question to anybody, and without leaving work to the garbage collector.
func BenchmarkLookupWarm(b *testing.B) {
	p2 := "p2"
	for name, q := range map[string]authz.Query{
		"key":      {},
		"service":  {Scope: resolver.Service, ID: "v"},
		"transfer": {Scope: resolver.ServiceTransfer, ID: "v", TransferTo: &p2},
		"slug":     {Scope: resolver.ProjectSlug, ID: "web"},
	} {
		q.Kind, q.Digest = authz.KeyCredential, authz.Digest{1, 2, 3}
		b.Run(name, func(b *testing.B) {
			s := openSteady(b)
			l := &authz.Lookup{Query: q}
			look := func() {
				if err := s.Lookup(b.Context(), l); err != nil || l.Facts.Key == nil {
					b.Fatal(l.Facts, err)
				}
			}
			look()
			b.ReportAllocs()
			for b.Loop() {
				look()
			}
		})
	}
}

// The same from everywhere at once, for one key and for many.
func BenchmarkLookupWarmParallel(b *testing.B) {
	for name, keys := range map[string]int{"one": 1, "many": 1000} {
		b.Run(name, func(b *testing.B) {
			s := openSteady(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				l := &authz.Lookup{Query: authz.Query{Kind: authz.KeyCredential, Scope: resolver.Service, ID: "v"}}
				for i := 0; pb.Next(); i++ {
					l.Query.Digest = authz.Digest{byte(i % keys), byte(i % keys >> 8)}
					if err := s.Lookup(b.Context(), l); err != nil || l.Facts.Key == nil {
						b.Fatal(l.Facts, err)
					}
				}
			})
		})
	}
}
