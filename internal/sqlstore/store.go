// SPDX-License-Identifier: Apache-2.0

// Package sqlstore is the Store on a SQL database. The statements are the same for every database; what differs between
// them is a Dialect. Begin with Store.do and Store.change, through which every call goes. What decisions are computed from
// is read in Store.Record, and the history, which triggers in the database write, in Log.
//
// The text is written for what SQLite and Postgres have in common: $1 for a value, ON CONFLICT, RETURNING, row values.
// Times are stored as microseconds since 1970, and NULL for the zero time. Ids and slugs are compared as bytes.
//
// Contexts bound only the wait for the right to use a connection. To make one takes as long as the driver lets it. A
// statement, once it is sent, runs to its end, which the database bounds: to cancel a commit is to learn nothing of it.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"aeroplane.run/authz"
)

// A Dialect is what differs between databases.
type Dialect struct {
	// Fault classifies an error of the driver.
	Fault func(error) Fault
	// Begin begins a transaction on the connection, and returns what ends it.
	Begin func(context.Context, *sql.Conn) (Finish, error)
	// Another, where there may be several servers behind one name, returns a pool that is made for one question. Nil:
	// there is but one way to the database.
	Another func() *sql.DB
	// Lock and SkipLocked end a SELECT of rows that are about to be changed, where others may change them meanwhile. LockWhole is
	// Lock for rows that are to go, or to have another slug: others may not even refer to them meanwhile.
	Lock, LockWhole, SkipLocked string
	// Position is the function that says where in a text another one begins: 0 if nowhere.
	Position string
}

// A Finish commits a transaction, and returns its place in the history; it gives one to a transaction that has changed
// nothing. With waits whoever follows the history is asked to say when that has come as far. An error that is
// ErrUnconfirmed, or that Fault calls Unreachable, says that nobody knows whether the commit lasts; after any other the
// transaction can be rolled back.
type Finish func(ctx context.Context, waits bool) (authz.Receipt, error)

// ErrUnconfirmed says that a commit was answered, but may not last.
var ErrUnconfirmed = errors.New("the commit is not confirmed")

// A Fault says what is to be done about an error of the driver.
type Fault uint8

const (
	// Unforeseen errors are faults of ours, or a damaged database.
	Unforeseen Fault = iota
	// Unreachable is a database that cannot be reached, or does not answer in time, or cannot write.
	Unreachable
	// Full is a disk that is full, where it is certain that nothing of the transaction was, or will be, done.
	Full
	// Clash is a transaction that was rolled back because of another one. To run it again will help.
	Clash
)

// A Store keeps everything in a SQL database.
type Store struct {
	db         *sql.DB
	dialect    Dialect
	slots      chan struct{} // one for each connection, so that nobody waits for one without a bound
	statements sync.Map      // of text: the *sql.Stmt of a record
}

var _ authz.Store = (*Store)(nil)

// New returns a Store on a database whose schema is in place. It takes conns connections of db at most, beside those of
// Dialect.Another, and closes db in the end.
func New(db *sql.DB, conns int, d Dialect) *Store {
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return &Store{db: db, dialect: d, slots: make(chan struct{}, conns)}
}

// Log returns the history of the database.
func (s *Store) Log() Log { return Log{s.db, s.dialect} }

// Close releases the connections.
func (s *Store) Close() error {
	s.statements.Range(func(_, stmt any) bool {
		_ = stmt.(*sql.Stmt).Close() // the connection goes next
		return true
	})
	return s.db.Close()
}

// Ping reports whether the store can answer: it reads a table, as every decision does.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context) error {
		var n int
		return s.db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM keys LIMIT 1) AS a").Scan(&n)
	})
}

// do runs fn, which needs no transaction. fn may use one connection at a time: to query while rows are open would wait
// for ever where there is only one.
func (s *Store) do(ctx context.Context, fn func(context.Context) error) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if err := fn(context.WithoutCancel(ctx)); err != nil {
		return s.dialect.Classified(err)
	}
	if err := ctx.Err(); err != nil {
		return unavailable(err) // it took too long, even if it came
	}
	return nil
}

// acquire waits for the right to use a connection.
func (s *Store) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

func (s *Store) release() { <-s.slots }

// Classified turns an error of the driver into one of the contract's. An Error is left as it is.
func (d Dialect) Classified(err error) error {
	var known *authz.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, ErrUnconfirmed) {
		return unknownOutcome(err)
	}
	switch d.Fault(err) {
	case Unforeseen:
		return authz.Errorf(authz.Internal, "the database answered something unforeseen").Because(err)
	case Full:
		return (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeDiskFull,
			Message: "the disk of the database is full: free some of it, and repeat the call"}).Because(err)
	}
	return unavailable(err)
}

func unavailable(cause error) error {
	return (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable,
		Message: "the database did not answer in time, or cannot be reached"}).Because(cause)
}

func unknownOutcome(cause error) error {
	return (&authz.Error{Kind: authz.Unavailable, Code: authz.CodeOutcomeUnknown,
		Message: "the outcome of the change is unknown; repeat the call"}).Because(cause)
}
