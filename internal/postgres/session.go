// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"sync"
	"time"

	"aeroplane.run/authz/internal/sqlstore"
)

// goodbye bounds what is still said on a connection that is given up.
const goodbye = 100 * time.Millisecond

// A session is one connection, made anew whenever it was lost, for one caller at a time. Nothing on it takes longer than
// the context of whoever asks, whatever becomes of the server: when that ends, the connection is closed without waiting for any
// answer. The making of a connection goes on meanwhile: see attempt.
type session struct {
	*connector // makes what Connect hands out
	wrap       func(net.Conn) net.Conn
	replaced   func() // if not nil, is called when a connection is put in the place of another
	db         *sql.DB
	turn       chan struct{}
	prepared   map[string]*sql.Stmt // of texts; guarded by turn

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	conn    net.Conn  // the one in use, or that was in use last; guarded by mu, as the rest is
	since   time.Time // from when it is in use; zero: it is not any more
	attempt *attempt  // nil: none is under way, or waits to be taken over
	stale   bool      // both are to be made anew
}

func newSession(src source, p purpose) *session {
	p.timeout, p.follows = src.timeout(), true
	s := &session{connector: src.connector(p), turn: make(chan struct{}, 1), prepared: make(map[string]*sql.Stmt)}
	s.life, s.end = context.WithCancel(context.Background())
	s.db = sql.OpenDB(s)
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	return s
}

func (s *session) close() {
	s.mu.Lock()
	s.end()
	s.farewell()
	s.mu.Unlock()
	_ = s.db.Close()
	s.running.Wait()
}

// A callerKey is what the context of whoever asks is found by, where the driver is not to know when it ends.
type callerKey struct{}

// Connect implements driver.Connector, for the pool of one.
func (s *session) Connect(ctx context.Context) (driver.Conn, error) {
	if caller, ok := ctx.Value(callerKey{}).(context.Context); ok {
		ctx = caller
	}
	a, err := s.attempted()
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
		return s.take(ctx, a)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// attempted returns the attempt that is under way, or waits to be taken over, or else a new one.
func (s *session) attempted() (*attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.life.Err(); err != nil {
		return nil, err
	}
	if s.attempt == nil || s.attempt.failed() {
		a, ctx := newAttempt(s.life, s.wrap)
		s.running.Go(func() { a.run(ctx, s.connector) })
		s.attempt = a
	}
	return s.attempt, nil
}

// take hands over what an attempt brought, unless the caller's time is over: then hangUp has been, and nothing would bound what is
// asked on it.
func (s *session) take(ctx context.Context, a *attempt) (driver.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.attempt = nil
	conn, wire, err := a.take()
	if err != nil {
		return nil, err
	}
	if s.conn != nil && s.replaced != nil {
		s.replaced()
	}
	s.conn, s.since = wire, time.Now()
	return conn, nil
}

// outdate has a connection that is of that age, or older, be made anew by the next caller. Whoever uses it now goes on.
func (s *session) outdate(age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = s.stale || time.Since(s.since) >= age
}

func (s *session) outdated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale || !s.since.IsZero() && time.Since(s.since) >= connLifetime
}

// renew gives up the connection, if it is outdated, and what is to take its place if that was begun before.
func (s *session) renew() {
	if !s.outdated() {
		return
	}
	s.mu.Lock()
	if s.stale && s.attempt != nil {
		s.attempt.end()
		s.attempt = nil
	}
	s.stale = false
	s.farewell()
	s.mu.Unlock()
	s.db.SetMaxIdleConns(0) // closes it
	s.db.SetMaxIdleConns(1)
}

// farewell bounds what is said until the connection is closed: the server may never answer. mu is held.
func (s *session) farewell() {
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Now().Add(goodbye))
	}
	s.since = time.Time{}
}

func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close() // whoever reads from it gets the error
	}
	s.since = time.Time{}
}

// bound hangs up when ctx ends, until free is called. When that returns, nothing will be hung up by it any more.
func (s *session) bound(ctx context.Context) (free func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		s.hangUp()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// do runs fn on the connection. Its errors are classified. When its time is over the server is asked to give up, too.
func (s *session) do(ctx context.Context, fn func(context.Context, *sql.Conn) error) error {
	return s.inTurn(ctx, func() error {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		return fn(ctx, conn)
	})
}

// ask runs fn with statements that are prepared once for each connection. They are run twice where a connection turns out to
// be dead. Errors are classified. The server is not asked to give up, and does so by the time limits of statements.
func (s *session) ask(ctx context.Context, fn func(sqlstore.Querier) error) error {
	return s.inTurn(ctx, func() error { return fn(statements{s}) })
}

// statements are used by whose turn it is.
type statements struct{ *session }

// QueryContext implements sqlstore.Querier.
func (s statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	// Did the driver know when ctx ends, it would dial to have the statement cancelled, and wait until that was heard: for ever,
	// of a server that hangs.
	ctx = context.WithValue(context.WithoutCancel(ctx), callerKey{}, ctx)
	stmt := s.prepared[text]
	if stmt == nil {
		var err error
		if stmt, err = s.db.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		s.prepared[text] = stmt
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *session) inTurn(ctx context.Context, fn func() error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return dialect.Classified(ctx.Err())
	}
	defer s.bound(ctx)()
	s.renew()
	if err := fn(); err != nil {
		return dialect.Classified(err)
	}
	return dialect.Classified(ctx.Err()) // it took too long, even if it came
}

// confirmed is do, for what commits: an answer that came with a warning is no answer.
func (s *session) confirmed(ctx context.Context, fn func(context.Context, *sql.Conn) error) error {
	return s.do(ctx, func(ctx context.Context, conn *sql.Conn) error {
		confirm, err := watch(conn)
		if err != nil {
			return err
		}
		if err := fn(ctx, conn); err != nil {
			return err
		}
		err = confirm()
		if err != nil {
			sqlstore.Discard(conn)
		}
		return err
	})
}
