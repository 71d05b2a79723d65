// SPDX-License-Identifier: Apache-2.0

package authz

import "time"

// A Receipt says what a change came to.
type Receipt struct {
	// Revision is the place of the change in the history. Decisions at this revision or a later one know of it.
	Revision Revision
	// Narrowing says that the change took something away, or may have. The database decides that, not the caller.
	Narrowing bool
	// Barrier is how it is known that the change is in force everywhere. NoBarrier: it is not known, yet.
	Barrier Barrier
	// Took is how long the barrier took, from the commit on.
	Took time.Duration
}

// A Barrier is how a change came to be in force on every replica.
type Barrier uint8

const (
	// NoBarrier: nobody waited.
	NoBarrier Barrier = iota
	// Acked: every replica said that it has applied the change, or is none any more.
	Acked
	// Waited: some replica did not say so, and by now it has stopped deciding.
	Waited
)

// String returns "none", "acked" or "waited".
func (b Barrier) String() string { return word(b, "none", "acked", "waited") }

// What the methods that make changes return: the outcome, and the receipt.
type (
	// CreatedKey is the outcome of CreateKey.
	CreatedKey struct {
		Key      Key
		Replayed bool // an earlier call with the same request id made the key
		Receipt
	}
	// RevokedKey is the outcome of RevokeKey.
	RevokedKey struct {
		Key     Key
		Already bool // it had been revoked before
		Receipt
	}
	// RevokedSession is the outcome of RevokeSession.
	RevokedSession struct {
		Already bool // it had been revoked before
		Receipt
	}
	// Counted is the outcome of a change of any number of things.
	Counted struct {
		N int // how many were changed
		Receipt
	}
)
