// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"aeroplane.run/authz"
)

// attempts bounds how often a transaction is run that clashes with others.
const attempts = 5

// A tx is the transaction of one change.
type tx struct {
	*sql.Conn
	change  authz.Change
	dialect Dialect
}

// errNothing is returned by the body of a change that found nothing to do, and wants no place in the history.
var errNothing = errors.New("nothing to do")

// change runs fn in a transaction, and returns a receipt only if the commit lasts. fn is run again when the transaction
// clashed with another one, so it must set, and not add to, what it hands to its caller.
//
// Nothing of the caller's context reaches the database but its values: a commit that is given up, on the client's side
// or the server's, is one whose outcome nobody knows.
func (s *Store) change(ctx context.Context, c authz.Change, fn func(context.Context, *tx) error) (r authz.Receipt, err error) {
	if err := s.acquire(ctx); err != nil {
		return authz.Receipt{}, err
	}
	defer s.release()
	ctx = context.WithoutCancel(ctx)
	for range attempts {
		r, err = s.attempt(ctx, c, fn)
		if err == nil || s.dialect.Fault(err) != Clash {
			break
		}
	}
	if err != nil && !errors.Is(err, errNothing) {
		err = s.dialect.Classified(err)
	}
	return r, err
}

func (s *Store) attempt(ctx context.Context, c authz.Change, fn func(context.Context, *tx) error) (authz.Receipt, error) {
	conn, finish, err := s.begin(ctx)
	if err != nil {
		return authz.Receipt{}, err
	}
	defer conn.Close()
	ended := false
	defer func() { // whether fn fails or panics
		if !ended {
			rollBack(ctx, conn)
		}
	}()
	if err := fn(ctx, &tx{Conn: conn, change: c, dialect: s.dialect}); err != nil {
		return authz.Receipt{}, err
	}
	r, err := finish(ctx, c.Wait)
	switch {
	case err == nil:
		ended = true
		return r, nil
	case errors.Is(err, ErrUnconfirmed), s.dialect.Fault(err) == Unreachable:
		ended = true
		Discard(conn)
		return authz.Receipt{}, unknownOutcome(err)
	}
	return authz.Receipt{}, err
}

// begin begins a transaction. A connection that turns out to be dead is given up for the next: nothing was sent on it
// yet. There are no more dead ones than there are connections.
func (s *Store) begin(ctx context.Context) (conn *sql.Conn, finish Finish, err error) {
	for range cap(s.slots) + 1 {
		if conn, err = s.db.Conn(ctx); err != nil {
			break
		}
		if finish, err = s.dialect.Begin(ctx, conn); err == nil {
			return conn, finish, nil
		}
		rollBack(ctx, conn)
		_ = conn.Close()
		if !errors.Is(err, driver.ErrBadConn) {
			break
		}
	}
	return nil, nil, err
}

// rollBack ends a transaction that is not to be. Where that fails the connection goes, and the transaction with it.
func rollBack(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		Discard(conn)
	}
}

// Discard closes the connection for good.
func Discard(conn *sql.Conn) { _ = conn.Raw(func(any) error { return driver.ErrBadConn }) }
