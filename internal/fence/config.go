// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"aeroplane.run/authz"
)

// Config says what a Store is made of. Database and History are required.
type Config struct {
	// Database keeps everything. Open's Store closes it.
	Database authz.Store
	// History is the log of the database's changes.
	History Log
	// Members is who else decides by the same database. Nil: nobody, for as long as the Database is open, because whoever
	// opens it has it alone. Then there is no lease.
	Members Members
	// Shelf is a second place for records. Nil: there is none.
	Shelf Shelf
	// Clock is the machine's boot clock. Nil: the system's; without Members any that nobody sets.
	Clock Clock
	// Wall is the time by which to judge what expires where there are no Members. Nil: time.Now. With Members it is the
	// database's clock.
	Wall func() time.Time
	// Lease is how long a replica decides after the start of its last round, MinLease to MaxLease. Zero: DefaultLease.
	Lease time.Duration
	// Name tells people which replica this is.
	Name string
	// MaxRecords bounds how many records are kept of what exists, some 280 bytes each. Zero: 1,000,000.
	MaxRecords int
	// MaxReads bounds the reads of the Database for records at a time. Zero: 64.
	MaxReads int
	// Observer is told what happens. Nil: nobody is.
	Observer Observer
	// Logger is where changes of state are told of. Nil: nowhere.
	Logger *slog.Logger

	limits limits // zero: as complete has it. The simulation has less room, to see what happens when it is full.
}

const (
	batch     = 1000   // rows of the log in one answer
	maxAbsent = 65_536 // records that say that nothing is known
)

// complete fills in what was left out. It refuses a lease that others would not wait for.
func (c *Config) complete() error {
	c.Lease = cmp.Or(c.Lease, DefaultLease)
	if c.Lease < MinLease || c.Lease > MaxLease {
		return authz.Errorf(authz.FailedPrecondition, "the lease must be %v to %v, not %v", MinLease, MaxLease, c.Lease)
	}
	c.MaxRecords = cmp.Or(c.MaxRecords, 1_000_000)
	c.MaxReads = cmp.Or(c.MaxReads, 64)
	c.limits = cmp.Or(c.limits, limits{window: windowSize, batch: batch, known: c.MaxRecords, absent: maxAbsent})
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Database == nil || c.History == nil {
		return fmt.Errorf("a fence needs a Database and its History")
	}
	if c.Clock == nil && c.Members == nil {
		c.Clock = monotonicClock{time.Now()}
	}
	if c.Clock != nil {
		return nil
	}
	var err error
	c.Clock, err = SystemClock()
	return err
}

// An Observer is told what happens. Its methods are called on the way and must not block.
type Observer interface {
	// Round is told of each round, whether or not it was confirmed.
	Round(confirmed bool)
	// Barrier is told how a change came to be in force everywhere, and how long that took.
	Barrier(how authz.Barrier, took time.Duration)
	// Abandoned is told why a generation was given up: "mismatch", "gap" or "gone".
	Abandoned(why string)
	// Rejected is told that a record from a source, "shelf" or "database", was not admitted, and why not.
	Rejected(source, why string)
	// Read is told of each read of a record from the database.
	Read(kind authz.SubjectKind)
	// Unconfirmed is told of each change whose commit was not confirmed.
	Unconfirmed()
}

type nobody struct{}

func (nobody) Round(bool)                           {}
func (nobody) Barrier(authz.Barrier, time.Duration) {}
func (nobody) Abandoned(string)                     {}
func (nobody) Rejected(string, string)              {}
func (nobody) Read(authz.SubjectKind)               {}
func (nobody) Unconfirmed()                         {}
