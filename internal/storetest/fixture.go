// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz"
)

// noon is when things happen unless a test says otherwise. It ends in a microsecond, beyond the years of 32 bits.
var noon = time.Date(2040, 2, 29, 12, 0, 0, 123_457_000, time.UTC)

var operator = authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "operator", UserID: "root", Address: "192.0.2.1:4711"}

// at is a change by the operator, so long after noon. It is known everywhere when the call returns.
func at(d time.Duration) authz.Change {
	return authz.Change{Actor: operator, At: noon.Add(d), Wait: true}
}

// everything is a page that holds whatever a test makes.
var everything = authz.Page{Size: 100_000}

var allStates = []authz.KeyState{authz.Live, authz.Expired, authz.Revoked}

// anyKey selects all keys.
var anyKey = authz.KeyFilter{States: allStates, Now: noon}

// A fixture is a store on a database of its own.
type fixture struct {
	authz.Store
	db Database
}

func newFixture(t *testing.T, db Database) *fixture { return &fixture{open(t, db), db} }

// fenced reports whether the store is behind a fence.
func (f *fixture) fenced() bool {
	_, ok := f.Store.(*closeOnce).Store.(authz.FactStore)
	return ok
}

// lookup asks the store where it looks facts up by itself, and otherwise gathers them from its records.
func (f *fixture) lookup(t testing.TB, q authz.Query) authz.Facts {
	t.Helper()
	facts, err := f.tryLookup(t.Context(), q)
	return must(t, facts, err)
}

func (f *fixture) tryLookup(ctx context.Context, q authz.Query) (authz.Facts, error) {
	if s, ok := f.Store.(*closeOnce).Store.(authz.FactStore); ok {
		return authz.FactsFrom(ctx, s, q)
	}
	l := authz.Lookup{Query: q}
	_, err := l.Gather(records{ctx, f.Store})
	return l.Facts, err
}

// records reads records one by one. Nothing changes meanwhile.
type records struct {
	ctx   context.Context
	store authz.RecordStore
}

// Read implements authz.Reader.
func (r records) Read(kind authz.SubjectKind, id []byte, to *authz.Record) (err error) {
	*to, _, err = r.store.Record(r.ctx, authz.Subject{Kind: kind, ID: string(id)}, false)
	return err
}

// open opens a store which is closed with the test, if it was not before.
func open(t testing.TB, db Database) authz.Store {
	t.Helper()
	store := &closeOnce{Store: db.Open(t)}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

type closeOnce struct {
	authz.Store
	once sync.Once
	err  error
}

func (c *closeOnce) Close() error {
	c.once.Do(func() { c.err = c.Store.Close() })
	return c.err
}

// newKey is a live key without expiry, for all projects or the given ones.
func newKey(id, user string, projects ...string) authz.NewKey {
	return authz.NewKey{Digest: digest(id), Key: authz.Key{ID: id, Name: "Key " + id, Prefix: "ap_" + id, UserID: user,
		Access: authz.Write, Projects: authz.ProjectScope{All: projects == nil, IDs: projects}, CreatedAt: noon}}
}

func digest(text string) authz.Digest {
	return [32]byte(append([]byte(text), make([]byte, 32)...)[:32])
}

func project(id, owner string) authz.Project {
	return authz.Project{ID: id, Slug: "slug-" + id, Name: "Project " + id, OwnerID: owner}
}

func session(token, user string, role authz.UserRole) authz.Session {
	return authz.Session{Digest: digest(token), UserID: user, Role: role, ExpiresAt: noon.Add(time.Hour)}
}

func (f *fixture) create(t testing.TB, keys ...authz.NewKey) {
	t.Helper()
	for _, k := range keys {
		if made, err := f.CreateKey(t.Context(), at(0), k); err != nil || made.Replayed {
			t.Fatalf("CreateKey %s: replayed %v, %v", k.ID, made.Replayed, err)
		}
	}
}

func (f *fixture) projects(t testing.TB, p ...authz.Project) int {
	t.Helper()
	put, err := f.PutProjects(t.Context(), at(0), p)
	return must(t, put, err).N
}

func (f *fixture) services(t testing.TB, s ...authz.Service) int {
	t.Helper()
	put, err := f.PutServices(t.Context(), at(0), s)
	return must(t, put, err).N
}

func (f *fixture) deployments(t testing.TB, d ...authz.Deployment) int {
	t.Helper()
	put, err := f.PutDeployments(t.Context(), at(0), d)
	return must(t, put, err).N
}

func (f *fixture) deleteProjects(t testing.TB, ids ...string) int {
	t.Helper()
	deleted, err := f.DeleteProjects(t.Context(), at(0), ids)
	return must(t, deleted, err).N
}

func (f *fixture) session(t testing.TB, sessions ...authz.Session) {
	t.Helper()
	for _, s := range sessions {
		if _, err := f.PutSession(t.Context(), at(0), s); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) key(t testing.TB, id string) authz.Key {
	t.Helper()
	k, err := f.Key(t.Context(), id)
	return must(t, k, err)
}

// keyIDs returns the ids of the keys that match, in the order of the list.
func (f *fixture) keyIDs(t testing.TB, filter authz.KeyFilter) []string {
	t.Helper()
	keys, err := f.Keys(t.Context(), filter, everything)
	return ids(must(t, keys, err), func(k authz.Key) string { return k.ID })
}

// recorded returns the audit records that do leaves, oldest first, their ids taken off.
func (f *fixture) recorded(t testing.TB, do func()) []authz.Event {
	t.Helper()
	before, err := f.Events(t.Context(), authz.EventFilter{}, authz.Page{Size: 1})
	must(t, before, err)
	do()
	events, err := f.Events(t.Context(), authz.EventFilter{}, everything)
	must(t, events, err)
	if len(before) > 0 {
		events = slices.DeleteFunc(events, func(e authz.Event) bool { return e.ID <= before[0].ID })
	}
	slices.Reverse(events)
	for i := range events {
		events[i].ID = 0
	}
	return events
}

func ids[T any](rows []T, id func(T) string) []string {
	list := []string{}
	for _, row := range rows {
		list = append(list, id(row))
	}
	return list
}

func ptr[T any](v T) *T { return &v }

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// error2 returns what became of a call whose result does not matter.
func error2[T any](_ T, err error) error { return err }

// withoutNotes leaves out what a record of a key knows of its use.
var withoutNotes = cmpopts.IgnoreUnexported(authz.KeyRecord{})

// same compares, taking no list and an empty one for the same, and projects in any order.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	anyOrder := cmpopts.SortSlices(func(a, b authz.ProjectRef) int { return cmp.Compare(a.ID, b.ID) })
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), withoutNotes, anyOrder); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// driverTalk is what no message for a caller may hold.
var driverTalk = regexp.MustCompile(`(?i)sql|pq:|constraint|select |insert |update |delete |syntax|context|database is`)

// refused checks that a call failed with an Error of the kind, fit to be shown, and returns it.
func refused(t testing.TB, what string, err error, kind authz.Kind) *authz.Error {
	t.Helper()
	var e *authz.Error
	switch {
	case err == nil:
		t.Errorf("%s: no error, want kind %d", what, kind)
	case !errors.As(err, &e):
		t.Errorf("%s: %T is no *authz.Error: %v", what, err, err)
	case e.Kind != kind:
		t.Errorf("%s: kind %d, want %d: %v", what, e.Kind, kind, err)
	case strings.TrimSpace(e.Message) == "" || driverTalk.MatchString(e.Message):
		t.Errorf("%s: the message %q is not fit to be shown", what, e.Message)
	default:
		return e
	}
	return &authz.Error{}
}

// together runs n calls at the same time.
func together(n int, call func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			call(i)
		})
	}
	close(start)
	wg.Wait()
}
