// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"errors"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A transaction is a change of the tables, as it comes to the server: its statements, and then the message that fires the
// triggers, which take the lock of the log and append to it, and commits.
type transaction struct {
	name   string
	change func(*catalog) error // what the statements do to a copy
	wait   bool                 // somebody waits for all replicas to know, whatever it is
	free   bool                 // nothing is taken away, even if nothing is changed
	rows   []authz.Subject      // what the log says instead of what changed: it says less, and means more
}

// An outcome is what came of a transaction.
type outcome struct {
	commit  *commit
	receipt authz.Receipt
}

var (
	errReadOnly    = errors.New("the server is a standby")
	errReset       = errors.New("the connection was reset")
	errLockTimeout = errors.New("the log is locked")
	errUnconfirmed = errors.New("the wait for the standby was cancelled")
	errTimeout     = errors.New("no answer in time")
)

const lockTimeout = 2 * time.Second

// transact runs a transaction. answer is called once, or, if the connection breaks, not at all.
func (s *server) transact(tx *transaction, answer func(outcome, error)) {
	w, epoch := s.cluster.w, s.epoch
	if s.role == standby {
		answer(outcome{}, errReadOnly)
		return
	}
	if w.broken == "sequence" { // numbers from a sequence, and no lock
		s.sent = max(s.sent, s.head().last().Seq)
		seq := s.sent + 1
		s.sent += 3
		w.scheduler.post(w.freeze(), tx.name+" commits", func() {
			if s.epoch == epoch {
				s.commit(tx, seq, answer)
			}
		})
		return
	}
	free := func() bool { return s.lock == nil || s.epoch != epoch }
	w.scheduler.postWhen(0, tx.name+" takes the lock of the log", free, lockTimeout, func() {
		switch {
		case s.epoch != epoch:
		case s.lock != nil:
			w.counts.fault("lock of the log held too long")
			answer(outcome{}, errLockTimeout)
		default:
			tx := new(*tx) // of its own, should the question have come twice
			s.lock = tx
			w.scheduler.post(w.freeze(), tx.name+" commits", func() {
				if s.epoch == epoch && s.lock == tx {
					s.commit(tx, s.head().last().Seq+1, answer)
				}
			})
		}
	})
}

// commit appends to the log what changed, a row for each subject, and waits for the standby.
func (s *server) commit(tx *transaction, seq int64, answer func(outcome, error)) {
	parent := s.head()
	if last := s.lastCommit(); s.cluster.w.broken == "sequence" {
		parent = last
	}
	c, receipt, err := s.cluster.w.commit(tx, parent, seq)
	if err != nil {
		s.lock = nil
		answer(outcome{}, err)
		return
	}
	s.write(&write{name: tx.name, commit: c, done: func(confirmed bool) {
		if confirmed {
			answer(outcome{c, receipt}, nil)
		} else {
			answer(outcome{}, errUnconfirmed)
		}
	}})
}

func (s *server) lastCommit() *commit {
	for i := len(s.wal) - 1; i >= 0; i-- {
		if s.wal[i].commit != nil {
			return s.wal[i].commit
		}
	}
	return s.head()
}

// commit makes the commit of a transaction after another.
func (w *world) commit(tx *transaction, parent *commit, seq int64) (*commit, authz.Receipt, error) {
	c := &commit{parent: parent, by: tx.name, after: parent.after.copy(), jumbled: w.broken == "sequence"}
	if tx.change != nil {
		if err := tx.change(c.after); err != nil {
			return nil, authz.Receipt{}, err
		}
	}
	var receipt authz.Receipt
	add := func(s authz.Subject, narrowing bool) {
		c.rows = append(c.rows, fence.Row{Revision: authz.Revision{Seq: seq, Tag: w.tag()}, Subject: s, Narrowing: narrowing || tx.wait})
		receipt.Narrowing = receipt.Narrowing || narrowing
		seq++
	}
	for _, s := range tx.rows {
		add(s, true)
	}
	if tx.rows == nil {
		for _, s := range subjectsOf(parent.after, c.after) {
			if s.Kind == authz.OfSlug && w.broken == "unlogged" {
				continue
			}
			before := parent.after.record(s)
			add(s, !before.Absent()) // what nobody knew can have been refused to nobody
		}
	}
	if len(c.rows) == 0 {
		add(authz.Subject{}, !tx.free) // the mark
	}
	receipt.Revision = c.last()
	w.history.add(c)
	w.trace.note(w.scheduler, "", "%v: %s, %d rows", c.last(), tx.name, len(c.rows))
	return c, receipt, nil
}
