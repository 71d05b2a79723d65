// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"aeroplane.run/authz"
)

// A reader is one look-up that needs more than is kept. It reads under one generation, whose lease was checked.
type reader struct {
	*fills
	ctx context.Context
	g   *generation
	// shelfUntil is until when the shelf may be asked. Zero: it was not, yet.
	shelfUntil time.Time
}

// Read implements authz.Reader.
func (r *reader) Read(kind authz.SubjectKind, id []byte, to *authz.Record) error {
	if r.g.Read(kind, id, to) == nil {
		return nil
	}
	record, err := r.fill(authz.Subject{Kind: kind, ID: string(id)})
	if err == nil && r.g.Read(kind, id, to) != nil { // else all use the one that is kept
		*to = record
	}
	return err
}

// fill returns the record of a subject, admitted under the reader's generation: from the shelf, or else from the database.
func (r *reader) fill(s authz.Subject) (authz.Record, error) {
	if record, ok := r.fromShelf(s); ok {
		return record, nil
	}
	// A fresh connection may lead to another server. It takes long, and so is only made where the one that was asked may be of
	// another line, or behind or ahead of ours for good, and for the last try.
	fresh := false
	for try := range 3 {
		sh, hash := r.g.shard(s)
		f, err := r.fetch(r.ctx, route{s, fresh}, sh.knew(hash, s))
		if err != nil {
			return authz.Record{}, err
		}
		v := r.admit(s, f)
		if v == admitted {
			r.shelve(s, f)
			return f.record, nil
		}
		r.Observer.Rejected("database", v.String())
		fresh = v != changed || try == 1
		if r.g.ended() {
			return authz.Record{}, errBeginAgain
		}
	}
	return authz.Record{}, unsettled()
}

// admit admits what a flight brought. If that is newer than what is applied, it waits for as long as the loop gets nearer: to
// read again would bring something newer still.
func (r *reader) admit(s authz.Subject, f *flight) verdict {
	v, nearer := r.g.admit(s, f.record, f.at), true
	for v == early && nearer {
		before := r.g.applied.Load()
		r.loop.look()
		r.loop.moved.await(r.ctx, catchUpWait, func() bool { return r.g.applied.Load().Seq >= f.at.Seq || r.g.ended() })
		nearer = r.g.applied.Load() != before && r.ctx.Err() == nil
		v = r.g.admit(s, f.record, f.at)
	}
	return v
}

// fromShelf returns the record of a subject if the shelf has one that is admitted.
func (r *reader) fromShelf(s authz.Subject) (authz.Record, bool) {
	if r.Shelf == nil {
		return authz.Record{}, false
	}
	if r.shelfUntil.IsZero() {
		r.shelfUntil = time.Now().Add(shelfBudget)
	}
	ctx, cancel := context.WithDeadline(r.ctx, r.shelfUntil)
	defer cancel()
	if ctx.Err() != nil {
		return authz.Record{}, false
	}
	record, at, ok := r.Shelf.Get(ctx, s)
	if !ok {
		return authz.Record{}, false
	}
	if v := r.g.admit(s, record, at); v != admitted {
		r.Observer.Rejected("shelf", v.String())
		return authz.Record{}, false
	}
	return record, true
}

// shelve puts what was admitted on the shelf, once. An unknown credential stays out: any stranger can make up any number.
func (r *reader) shelve(s authz.Subject, f *flight) {
	if r.Shelf == nil || isCredential(s.Kind) && f.record.Absent() {
		return
	}
	if f.shelved.CompareAndSwap(false, true) {
		r.Shelf.Put(s, f.record, f.at)
	}
}

func isCredential(kind authz.SubjectKind) bool { return kind == authz.OfKey || kind == authz.OfSession }

// fills reads records from the database. Those who want the same record at the same time share one read. Nobody takes a
// record on trust: each checks it against the generation that it holds.
type fills struct {
	*Config
	life  context.Context // ends when the store is closed
	loop  *loop
	slots chan struct{} // one for each read at a time
	// Reads of what may not exist are rationed: credentials, which any stranger can make up, and ids, which whoever has a
	// credential can.
	unknownCredentials, unknownIDs budget

	mu      sync.Mutex
	flights map[route]*flight // guarded by mu; nil once the store is closed
	running sync.WaitGroup
}

// A route is what reads of the database share one flight for.
type route struct {
	subject authz.Subject
	fresh   bool
}

// A flight is a read of the database that is under way.
type flight struct {
	started time.Time
	landed  chan struct{} // closed when the fields below are set
	record  authz.Record
	at      authz.Revision
	err     error
	shelved atomic.Bool // somebody who admitted it has put it on the shelf
}

// fetch reads a record from the database, or waits for a read that is under way, until ctx ends. known says that the subject
// was there lately.
func (f *fills) fetch(ctx context.Context, r route, known bool) (*flight, error) {
	fl := f.board(r, known)
	if fl == nil {
		return nil, lapsed(f.life)
	}
	select {
	case <-fl.landed:
	case <-ctx.Done():
	}
	step("fill: landed, not looked at")
	select {
	case <-fl.landed:
		return fl, fl.err
	default:
		return nil, (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable,
			Message: "the database did not answer in time"}).Because(ctx.Err())
	}
}

// board returns the flight of a route, which it starts if there is none, or none that may still be expected to land soon;
// nil if there are to be no more.
func (f *fills) board(r route, known bool) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flights == nil {
		return nil
	}
	fl, under := f.flights[r]
	if !under || time.Since(fl.started) > joinable {
		fl = &flight{started: time.Now(), landed: make(chan struct{})}
		f.flights[r] = fl
		f.running.Go(func() { f.fly(r, fl, known) })
	}
	return fl
}

// fly is the read. It does not end with any of those who wait for it.
func (f *fills) fly(r route, fl *flight, known bool) {
	step("flight: to start")
	ctx, cancel := context.WithTimeout(f.life, fillTimeout)
	defer cancel()
	fl.record, fl.at, fl.err = f.read(ctx, r, known)
	f.mu.Lock()
	if f.flights[r] == fl {
		delete(f.flights, r)
	}
	f.mu.Unlock()
	close(fl.landed)
}

func (f *fills) read(ctx context.Context, r route, known bool) (record authz.Record, at authz.Revision, err error) {
	if !known {
		ration, what := &f.unknownIDs, "ids"
		if isCredential(r.subject.Kind) {
			ration, what = &f.unknownCredentials, "credentials"
		}
		if !ration.take(ctx, f.Clock) {
			return record, at, overloaded("too many unknown " + what + " are being asked for; ask again")
		}
		defer func() {
			if err != nil || !record.Absent() {
				ration.giveBack()
			}
		}()
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return authz.Record{}, authz.Revision{}, overloaded("too much is being read from the database; ask again")
	}
	f.Observer.Read(r.subject.Kind)
	return f.Database.Record(ctx, r.subject, r.fresh)
}

func overloaded(message string) error {
	return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded, Message: message}
}

// close lets no read begin any more, and waits for those that are under way.
func (f *fills) close() {
	f.mu.Lock()
	f.flights = nil
	f.mu.Unlock()
	f.running.Wait()
}
