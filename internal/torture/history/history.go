// SPDX-License-Identifier: Apache-2.0

// Package history records what callers of a number of replicas saw, and judges it: whether anything was allowed after the
// change that took it away had been answered, on any replica.
//
// The unit of judgement is a Subject: one request that is allowed from its making on, until a change takes that away. It is
// never given back. Recorder records, Judge judges exactly and in linear time, SecondOpinion does so by another method.
// What is about subjects that expire by themselves is kept apart, and JudgeExpiry judges it.
package history

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A Subject is the number of one request that is allowed, until some change takes that away for good, or it expires.
type Subject uint32

// An Answer is what came back for an Ask.
type Answer uint8

// The answers. No decision is neither of the first two.
const (
	Allowed Answer = iota
	Denied
	Undecided
)

// A Revision is a place in the history of the service: a number, and what tells it from the same number of another history.
type Revision struct {
	Seq int64 // 0: not known
	Tag uint64
}

// String returns the revision as callers are told it.
func (r Revision) String() string { return fmt.Sprintf("%d.%016x", r.Seq, r.Tag) }

// An Ask is one call of Authorize.
type Ask struct {
	Subject Subject
	Replica uint8
	Answer  Answer
	// Lapsed says that it is Undecided because the replica had no lease.
	Lapsed bool
	// Strong asks for every committed change to be known.
	Strong bool
	// Start is before anything was sent, and End after all was received, by the Recorder's clock.
	Start, End time.Duration
	// AtLeast is the number of the revision that the call asked for. Zero: none.
	AtLeast int64
	// At is the revision of the answer.
	At Revision
	// Expires is when the subject expires by itself. Zero: it does not.
	Expires time.Duration
}

// A Kind is a kind of Change.
type Kind uint8

// The kinds of changes. All but the first take something away.
const (
	Create Kind = iota
	RevokeKey
	RevokeKeysOfUser
	PutSession
	RevokeSession
	RevokeSessionsOfUser
	MoveService
	DeleteService
	MoveDeployment
	DeleteDeployment
	DeleteProject
	ChangeOwner
	ChangeSlug
	numKinds
)

// String returns a few words.
func (k Kind) String() string {
	return [...]string{"create", "revoke key", "revoke keys of user", "put session", "revoke session", "revoke sessions of user",
		"move service", "delete service", "move deployment", "delete deployment", "delete project", "change owner", "change slug"}[k]
}

// Kinds returns those that take something away.
func Kinds() (kinds []Kind) {
	for k := Create + 1; k < numKinds; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// An Outcome is what is known of a Change.
type Outcome uint8

// The outcomes. Only OK promises anything; a change that is Refused was not made, and one that is Unknown may be made at any
// time, from its start on.
const (
	OK Outcome = iota
	Unknown
	Refused
)

// A Barrier is how it was known that the change was in force everywhere.
type Barrier uint8

// The barriers.
const (
	NoBarrier Barrier = iota
	Acked
	Waited
)

// A Change is one call that changes something.
type Change struct {
	Kind Kind
	// Subjects are those that it makes, of a Create, or else those whose allowance it takes away.
	Subjects   []Subject
	Replica    uint8
	Outcome    Outcome
	Start, End time.Duration // as of an Ask
	// At, Barrier and Took are its receipt.
	At      Revision
	Barrier Barrier
	Took    time.Duration
}

// A History is what was recorded, in no order.
type History struct {
	Asks    []Ask
	Changes []Change
}

// A Recorder records. Its methods may be called at once.
type Recorder struct {
	base time.Time
	last atomic.Uint32

	mu   sync.Mutex
	logs []*Log // guarded by mu
}

// NewRecorder returns a Recorder whose clock begins now.
func NewRecorder() *Recorder { return &Recorder{base: time.Now()} }

// Now reads the one clock by which everything is recorded. It is monotonic.
func (r *Recorder) Now() time.Duration { return time.Since(r.base) }

// At returns what that clock says at a time that was reckoned from a reading of time.Now.
func (r *Recorder) At(t time.Time) time.Duration { return t.Sub(r.base) }

// NewSubject returns a number that was not used yet.
func (r *Recorder) NewSubject() Subject { return Subject(r.last.Add(1)) }

// NewLog returns a buffer for one goroutine at a time.
func (r *Recorder) NewLog() *Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := new(Log)
	r.logs = append(r.logs, l)
	return l
}

// Take returns everything that was recorded since the last time, and forgets it: apart from all else, the calls about subjects
// that expire by themselves, which no change takes away. Nobody may be recording.
func (r *Recorder) Take() (h History, expiring []Ask) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.logs {
		for _, a := range l.asks {
			if a.Expires != 0 {
				expiring = append(expiring, a)
			} else {
				h.Asks = append(h.Asks, a)
			}
		}
		h.Changes = append(h.Changes, l.changes...)
	}
	r.logs = nil
	return h, expiring
}

// A Log is where one goroutine records.
type Log struct {
	asks    []Ask
	changes []Change
}

// Ask records a call of Authorize.
func (l *Log) Ask(a Ask) { l.asks = append(l.asks, a) }

// Change records a change.
func (l *Log) Change(c Change) { l.changes = append(l.changes, c) }

// String returns a line for people.
func (a Ask) String() string {
	how := ""
	if a.Strong {
		how = ", strong"
	}
	if a.Expires != 0 {
		how += fmt.Sprintf(", to expire at %v", a.Expires)
	}
	return fmt.Sprintf("subject %d on replica %d: %s%s, from %v to %v, at revision %v", a.Subject, a.Replica,
		[...]string{"allowed", "denied", "undecided"}[a.Answer], how, a.Start, a.End, a.At)
}

// String returns a line for people.
func (c Change) String() string {
	return fmt.Sprintf("%s on replica %d: %s, from %v to %v, revision %v, barrier %s after %v", c.Kind, c.Replica,
		[...]string{"OK", "unknown", "refused"}[c.Outcome], c.Start, c.End, c.At,
		[...]string{"none", "acked", "waited"}[c.Barrier], c.Took)
}
