// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"net"
	"sync"

	"aeroplane.run/authz/internal/sqlstore"
)

// A session is one connection, made anew whenever it was lost, for one caller at a time. Nothing on it takes longer than
// the context of whoever asks, whatever becomes of the server: when that ends, the server is asked to give up, and the
// connection is closed without waiting for the answer.
type session struct {
	db       *sql.DB
	turn     chan struct{}
	prepared map[string]*sql.Stmt // of texts; guarded by turn

	mu   sync.Mutex
	conn net.Conn // the one that was dialled last; guarded by mu
}

func newSession(c Config, p purpose) (s *session, err error) {
	s = &session{turn: make(chan struct{}, 1), prepared: make(map[string]*sql.Stmt)}
	p.timeout, p.dialed = c.timeout(), s.dialed
	if s.db, err = connect(c, p); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	s.db.SetConnMaxLifetime(connLifetime)
	return s, nil
}

func (s *session) dialed(conn net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	return conn
}

func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close() // whoever reads from it gets the error
	}
}

// do runs fn on the connection. Its errors are classified.
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
// be dead. Errors are classified.
func (s *session) ask(ctx context.Context, fn func(sqlstore.Querier) error) error {
	return s.inTurn(ctx, func() error { return fn(statements{s}) })
}

// statements are used by whose turn it is.
type statements struct{ *session }

// QueryContext implements sqlstore.Querier.
func (s statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
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
	defer context.AfterFunc(ctx, s.hangUp)()
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
