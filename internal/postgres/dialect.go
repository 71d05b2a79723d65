// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema returns what the tables are to look like. An advisory lock makes several programs that migrate at once wait
// for each other.
func schema(db *sql.DB) (sqlstore.Schema, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // they are embedded
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600), lock.WithUnlockTimeout(1, 10))
	return sqlstore.Schema{
		DB: db, Dialect: goose.DialectPostgres, Migrations: files, Locker: locker,
		HasVersion: "SELECT to_regclass($1) IS NOT NULL",
	}, err
}

var dialect = sqlstore.Dialect{
	Fault:      fault,
	Begin:      begin,
	Lock:       "FOR NO KEY UPDATE",
	LockWhole:  "FOR UPDATE",
	SkipLocked: "FOR UPDATE SKIP LOCKED",
	Position:   "strpos",
}

// begin begins a transaction. Its end is one message, so that nobody waits for us while the log is locked. The rows that
// come before the commit is decided count for nothing until all of the answer was read.
func begin(ctx context.Context, conn *sql.Conn) (sqlstore.Finish, error) {
	confirm, err := watch(conn)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	return func(ctx context.Context, waits bool) (r authz.Receipt, err error) {
		rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT seq, tag, narrowing FROM finish_change(%t); COMMIT", waits))
		if err != nil {
			return r, err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&r.Revision.Seq, &r.Revision.Tag, &r.Narrowing); err != nil {
				return r, err
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return authz.Receipt{}, err
		}
		return r, confirm()
	}, nil
}

// watch listens for warnings. A commit whose wait for the standbys is cancelled succeeds all the same, and a warning is
// the only trace of it. Any other warning is treated alike: a change of ours gives no cause for one.
func watch(conn *sql.Conn) (confirm func() error, err error) {
	var warning *pq.Error
	err = conn.Raw(func(c any) error {
		pq.SetNoticeHandler(c.(driver.Conn), func(notice *pq.Error) {
			// By the code: the word for severity is in the language of the server.
			if notice.Code.Class() != pqerror.ClassSuccessfulCompletion && warning == nil {
				warning = notice
			}
		})
		return nil
	})
	return func() error {
		if warning == nil {
			return nil
		}
		return fmt.Errorf("%w: %w", sqlstore.ErrUnconfirmed, warning)
	}, err
}

// fault classifies an error of the driver, by its SQLSTATE where the server sent one.
func fault(err error) sqlstore.Fault {
	var connect *connectError
	if errors.As(err, &connect) {
		return sqlstore.Unreachable
	}
	if e := pq.As(err); e != nil {
		// An ERROR ends its transaction, and a COMMIT that was sent with it is not done. A PANIC of the same code, where the log cannot be written,
		// leaves that open; and what is neither in English may be one.
		if e.Code == pqerror.DiskFull && e.Severity == "ERROR" {
			return sqlstore.Full
		}
		return stateFault(e.Code)
	}
	var network net.Error
	switch {
	case errors.As(err, &network),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return sqlstore.Unreachable
	}
	return sqlstore.Unforeseen
}

func stateFault(code pqerror.Code) sqlstore.Fault {
	switch code {
	case pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected,
		// Every change first looks whether it will break a rule. If it does so yet, somebody came between.
		pqerror.UniqueViolation, pqerror.ForeignKeyViolation:
		return sqlstore.Clash
	case pqerror.TRStatementCompletionUnknown, pqerror.LockNotAvailable, pqerror.ReadOnlySQLTransaction,
		pqerror.IdleInTransactionSessionTimeout:
		return sqlstore.Unreachable
	}
	switch code.Class() {
	case pqerror.ClassConnectionException, pqerror.ClassInsufficientResources,
		pqerror.ClassOperatorIntervention, // shut down, terminated, statement timeout
		pqerror.ClassSystemError:
		return sqlstore.Unreachable
	}
	return sqlstore.Unforeseen
}
