// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/follow"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) {
	aeroplanetest.Main()
	goleak.VerifyTestMain(m)
}

// A pair is an Aeroplane, and a service beside it.
type pair struct {
	*aeroplanetest.Aeroplane
	t      *testing.T
	path   string // of the file that is followed: Aeroplane's, unless a test takes another
	store  servertest.Store
	syncer *authz.Syncer
	target *target
	log    servertest.Logbook

	end     context.CancelFunc
	running sync.WaitGroup
}

// A target is the service, which a test can break.
type target struct {
	follow.Own
	broken  atomic.Bool
	wholes  atomic.Int64 // that were done
	well    atomic.Int64 // steps after which there was no trouble
	reports atomic.Int64
}

var errBroken = authz.Errorf(authz.Unavailable, "the service is away")

func (b *target) Whole(ctx context.Context, r authz.SyncRequest, in *authz.Inventory) (authz.SyncResult, error) {
	if b.broken.Load() {
		return authz.SyncResult{}, errBroken
	}
	result, err := b.Own.Whole(ctx, r, in)
	if err == nil {
		b.wholes.Add(1)
	}
	return result, err
}

func (b *target) Step(ctx context.Context, after int64, r authz.SyncRequest, d *authz.Delta) (authz.SyncResult, error) {
	if b.broken.Load() {
		return authz.SyncResult{}, errBroken
	}
	result, err := b.Own.Step(ctx, after, r, d)
	if state, failed := b.Syncer.State(ctx); err == nil && failed == nil && state.Trouble == "" {
		b.well.Add(1)
	}
	return result, err
}

func (b *target) Report(ctx context.Context, r authz.SyncReport) error {
	b.reports.Add(1)
	return b.Own.Report(ctx, r)
}

// start makes an Aeroplane with two users, their projects and what is in them, and a service that follows it.
func start(t *testing.T) *pair {
	t.Helper()
	p := &pair{Aeroplane: aeroplanetest.Start(t), t: t}
	p.path = p.Path
	p.User("ada", "owner")
	p.User("bob", "user")
	p.Project("p-web", "ada", "web")
	p.Project("p-shop", "ada", "shop")
	p.Project("p-bob", "bob", "web")
	p.Service("s", "p-web")
	p.Service("t", "p-shop")
	p.Deployment("d", "s")
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	p.store = servertest.Fenced(t, db, nil)
	t.Cleanup(func() {
		p.stop()
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})
	p.syncer = &authz.Syncer{Store: p.store, Now: time.Now}
	p.target = &target{Own: follow.Own{Syncer: p.syncer}}
	p.follow()
	return p
}

// follow starts to follow, and waits until everything was taken over.
func (p *pair) follow() {
	p.t.Helper()
	p.begin()
	p.eventually("it is in step", func() bool { return p.target.wholes.Load() > 0 && p.state().Complete && p.state().Trouble == "" })
}

func (p *pair) begin() {
	p.target.wholes.Store(0)
	var ctx context.Context
	ctx, p.end = context.WithCancel(context.Background())
	f := follow.New(follow.Config{Path: p.path, Target: p.target, Logger: p.log.Logger()})
	p.running.Go(func() { f.Run(ctx) })
}

func (p *pair) stop() {
	p.end()
	p.running.Wait()
}

func (p *pair) state() authz.SyncState {
	p.t.Helper()
	s, err := p.syncer.State(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// eventually waits until something is so.
func (p *pair) eventually(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never: %s; the state is %+v, and the log\n%s", what, p.state(), p.log.String())
		}
	}
}

// trouble waits until it is reported that Aeroplane cannot be followed.
func (p *pair) trouble() {
	p.t.Helper()
	p.eventually("there is trouble", func() bool { return p.state().Trouble != "" })
}

func (p *pair) wellAgain() {
	p.t.Helper()
	p.eventually("all is well again", func() bool { return p.state().Trouble == "" })
}

// may asks whether a credential may do something.
func (p *pair) may(c authz.Credential, method, target string) bool {
	p.t.Helper()
	a := &authz.Authorizer{Routes: resolver.Default(), Facts: p.store, Used: func(*authz.KeyRecord, time.Time) {}}
	d, err := a.Authorize(p.t.Context(), authz.Request{Method: method, Target: target, Credential: c})
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Allowed
}

// becomes waits until a credential may do something, or may not.
func (p *pair) becomes(want bool, c authz.Credential, method, target string) {
	p.t.Helper()
	p.eventually(method+" "+target, func() bool { return p.may(c, method, target) == want })
}

// is checks that nothing has changed about what a credential may do.
func (p *pair) is(want bool, c authz.Credential, method, target string) {
	p.t.Helper()
	if p.may(c, method, target) != want {
		p.t.Errorf("%s %s: allowed is not %v", method, target, want)
	}
}

func (p *pair) key(k aeroplanetest.Key) (id string, credential authz.Credential) {
	p.t.Helper()
	id, text := p.Key(k)
	return id, authz.KeyText(text)
}

// reading is what is in the file now.
func (p *pair) reading() *authz.Inventory {
	p.t.Helper()
	r, err := aeroplane.Read(p.t.Context(), p.path, time.Now(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &r.Inventory
}

// imported takes over what is in the file, as an operator would.
func (p *pair) imported(r authz.SyncRequest) {
	p.t.Helper()
	for range 10 {
		in := p.reading()
		r.Revision = time.Now().UnixMicro()
		_, err := p.syncer.Whole(p.t.Context(), authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "operator"}, r, in)
		var e *authz.Error
		if errors.As(err, &e) && (e.Code == authz.CodeSyncConflict || e.Code == authz.CodeSyncStale) {
			continue
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return
	}
	p.t.Fatal("somebody else syncs all the time")
}

// swap puts a file in the place of the one that is followed, in one step.
func (p *pair) swap(from string) {
	p.t.Helper()
	if err := os.Rename(from, p.path); err != nil {
		p.t.Fatal(err)
	}
}

// byHand is a change that somebody makes here.
func byHand() authz.Change {
	return authz.Change{Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "operator"}, At: time.Now()}
}
