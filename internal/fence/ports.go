// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"
	"time"

	"aeroplane.run/authz"
)

// A Log is the history of changes, as the database keeps it: rows numbered without a gap, in the order of their commits,
// never empty. All methods may be called at once; but Since, and Members.Round, are called by one goroutine.
type Log interface {
	// Head returns the newest revision.
	Head(ctx context.Context) (authz.Revision, error)
	// Since returns rows from number from on, that row included, in order, at most limit.
	Since(ctx context.Context, from int64, limit int) ([]Row, error)
	// Through returns the rows up to number through, that row included, newest first, at most limit.
	Through(ctx context.Context, through int64, limit int) ([]Row, error)
	// Listen calls look whenever there may be new rows, until ctx ends: when the database says so, each time that the
	// connection on which it would say so was made anew, and every 200 ms while there is none. look does not block.
	Listen(ctx context.Context, look func())
}

// A Row is one row of the Log: that the answer about a subject may be another from here on.
type Row struct {
	authz.Revision
	// Subject is OfEverything where the row has a kind that this program does not know, or an id that is none.
	Subject authz.Subject
	// Narrowing says that somebody may wait for every replica to know.
	Narrowing bool
}

// Members is what the replicas on one database know of each other: a row for each that may be deciding. A method that
// changes one returns nil only if its commit is confirmed: the reply was read to its end without an error or a warning.
//
// No method takes longer than its ctx allows, whatever becomes of the database.
type Members interface {
	// Join adds a member.
	Join(ctx context.Context, m Member) error
	// Round says that the member lives and has applied the log up to applied, and returns the log from that row on, that
	// row included, at most limit rows: one statement, one snapshot, and confirmed. No rows: the member is none, or the
	// log does not reach so far.
	Round(ctx context.Context, id MemberID, applied authz.Revision, limit int) (Answer, error)
	// Ack says that the member has applied the log up to applied. It need not last, and alone need not be confirmed.
	Ack(ctx context.Context, id MemberID, applied authz.Revision) error
	// List returns all members, and which of the revisions the log of the server that answers holds, all of one snapshot.
	List(ctx context.Context, ask []authz.Revision) (Roll, error)
	// Collect removes a member if its beat is still the given one. An error says that it is still there, or may be; nil, that it
	// is gone, whoever removed it.
	Collect(ctx context.Context, id MemberID, beat int64) error
	// Leave removes a member. A member that is none is no error.
	Leave(ctx context.Context, id MemberID) error
}

// An Answer is what a Round returns.
type Answer struct {
	Rows []Row
	// Clock is the time by the database's clock at some instant between question and answer.
	Clock time.Time
}

// A MemberID names one incarnation of a replica. It is random, and not used twice.
type MemberID [16]byte

// A Member is one incarnation of a replica.
type Member struct {
	ID    MemberID
	Lease time.Duration // the longest that it decides after the start of its last round
	Name  string        // for people
}

// A Roll is what List returns.
type Roll struct {
	Members []MemberState
	// Held tells for each revision that was asked for whether it is in the log.
	Held []bool
}

// A MemberState is what the database knows of a member.
type MemberState struct {
	ID    MemberID
	Lease time.Duration
	Name  string // for people
	// Beat is drawn at random by each round, and changed by nothing else. A count would not do: on two servers that parted it
	// may come to the same number by different rounds.
	Beat int64
	// Applied is the last revision that the member said it has applied, zero if it did not, or if that is not in the log
	// of the server that answers.
	Applied authz.Revision
}

// A Clock is a clock that runs on while the machine is suspended and that nobody sets.
type Clock interface {
	// Boot returns the time since some fixed instant of this machine's. It is called for each decision.
	Boot() time.Duration
}

// A Shelf is a second place for records, shared by the replicas, which may lose, repeat and mix up what it is given: a
// record counts only after the check that any other passes. All methods may be called at once.
type Shelf interface {
	// Get returns a record that was put for the subject, with the revision that it was put with, and false where there is
	// none, or none in time. It takes 2 ms at most, and where ctx ends before, less.
	Get(ctx context.Context, s authz.Subject) (authz.Record, authz.Revision, bool)
	// Put keeps a record, if that is possible at once or later. It does not block.
	Put(s authz.Subject, r authz.Record, at authz.Revision)
	// Drop forgets records, if that is possible at once or later. It does not block.
	Drop(s []authz.Subject)
}
