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
	*sql.Tx
	change   authz.Change
	dialect  Dialect
	recorded bool // it has an audit record, and so something to commit
}

// change runs fn in a transaction, and returns nil only if the commit lasts. fn is run again when the transaction
// clashed with another one, so it must set, and not add to, what it hands to its caller.
//
// Nothing of the caller's context reaches the database but its values: a commit that is given up, on the client's side
// or the server's, is one whose outcome nobody knows.
func (s *Store) change(ctx context.Context, c authz.Change, fn func(context.Context, *tx) error) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	ctx = context.WithoutCancel(ctx)
	var err error
	for range attempts {
		err = s.attempt(ctx, c, fn)
		if err == nil || s.dialect.Fault(err) != Clash {
			break
		}
	}
	return s.dialect.Classified(err)
}

func (s *Store) attempt(ctx context.Context, c authz.Change, fn func(context.Context, *tx) error) error {
	conn, confirm, begun, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Before the connection is closed, which waits for it, whether fn fails or panics. After a commit it does nothing, and
	// if it fails the connection is lost, and the transaction with it.
	defer begun.Rollback()
	t := &tx{Tx: begun, change: c, dialect: s.dialect}
	err = fn(ctx, t)
	if err == nil && !t.recorded && s.dialect.Barrier != "" {
		_, err = t.ExecContext(ctx, s.dialect.Barrier)
	}
	if err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		if s.dialect.Fault(err) == Unreachable {
			return unknownOutcome(err)
		}
		return err
	}
	if err := confirm(); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it
		return unknownOutcome(err)
	}
	return nil
}

// begin begins a transaction. A connection that turns out to be dead is given up for the next: nothing was sent on it
// yet. There are no more dead ones than there are connections.
func (s *Store) begin(ctx context.Context) (conn *sql.Conn, confirm func() error, t *sql.Tx, err error) {
	for range cap(s.slots) + 1 {
		if conn, err = s.db.Conn(ctx); err != nil {
			break
		}
		confirm = func() error { return nil }
		if s.dialect.Watch != nil {
			confirm, err = s.dialect.Watch(conn)
		}
		if err == nil {
			t, err = conn.BeginTx(ctx, nil)
		}
		if err == nil {
			return conn, confirm, t, nil
		}
		_ = conn.Close()
		if !errors.Is(err, driver.ErrBadConn) {
			break
		}
	}
	return nil, nil, nil, err
}
