// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"maps"
	"slices"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A server is a Postgres server, as far as it matters: what is written there, and what of it can be seen. On a primary the
// two differ by what still waits for the standby: such a commit hangs, and is seen by nobody, until the standby has it, or
// until the wait is cancelled, or the server is started anew. The latter two make it visible, and confirm nothing.
type server struct {
	cluster *cluster
	name    string
	role    role
	up      bool
	epoch   int // grows when all connections break

	wal     []*write // all that is written here, in order
	hung    []*write // of those, what nobody can see yet
	log     []*commit
	members map[fence.MemberID]member
	floor   int64        // retention has deleted the rows before
	lock    *transaction // which holds the lock of the log
	sent    int64        // the last number given out, where the model is broken so
}

type role uint8

const (
	primary role = iota
	standby      // only reads
	former       // was the primary, and does not know that it is not: it answers reads, and its commits hang for ever
)

// A member is a row of the table of members.
type member struct {
	id    fence.MemberID
	lease time.Duration
	beat  int64
	acked authz.Revision
}

// A write is a transaction in the write-ahead log.
type write struct {
	name   string
	index  int                             // in the log, of whichever server
	commit *commit                         // nil: it changes no more than a member
	member fence.MemberID                  // whose row it locks; zero: none
	alter  func(map[fence.MemberID]member) // nil: nothing
	done   func(confirmed bool)            // nil: nobody waits
	async  bool                            // nobody waits for the standby either
}

// head is the newest commit that can be seen.
func (s *server) head() *commit {
	newest := s.log[len(s.log)-1]
	for _, c := range s.log[max(0, len(s.log)-3):] { // in order, where the model is not broken
		if c.last().Seq > newest.last().Seq {
			newest = c
		}
	}
	return newest
}

// rows returns what can be seen of the log from a number on.
func (s *server) rows(from int64, limit int) (rows []fence.Row) {
	from = max(from, s.floor)
	for i := len(s.log) - 1; i >= 0; i-- {
		rows = append(rows, s.log[i].rows...)
		if i > 2 && s.log[i-1].last().Seq < from && s.log[i-2].last().Seq < from {
			break
		}
	}
	slices.SortFunc(rows, func(a, b fence.Row) int { return int(a.Seq - b.Seq) })
	rows = slices.DeleteFunc(rows, func(r fence.Row) bool { return r.Seq < from })
	return rows[:min(limit, len(rows))]
}

// back returns what can be seen of the log up to a number, newest first.
func (s *server) back(through int64, limit int) (rows []fence.Row) {
	for i := len(s.log) - 1; i >= 0 && len(rows) < limit; i-- {
		for _, r := range slices.Backward(s.log[i].rows) {
			if r.Seq <= through && r.Seq >= s.floor && len(rows) < limit {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// has reports whether a revision is in the log as it can be seen.
func (s *server) has(r authz.Revision) bool {
	p, ok := s.cluster.w.history.places[r]
	return ok && r.Seq >= s.floor && s.head().follows(p.commit)
}

// write appends to the write-ahead log, and makes visible what need not wait.
func (s *server) write(w *write) {
	w.index = len(s.wal)
	s.wal, s.hung = append(s.wal, w), append(s.hung, w)
	if w.async || s.role == primary && !s.cluster.sync {
		s.show(w)
		if w.done != nil {
			w.done(true)
		}
	}
	if s.role == primary && s.cluster.sync {
		s.cluster.shipSoon()
	}
}

// show makes visible what hung.
func (s *server) show(w *write) {
	s.hung = slices.DeleteFunc(s.hung, func(other *write) bool { return other == w })
	s.perform(w)
	if w.commit != nil {
		s.lock = nil
		s.cluster.w.notify(s)
	}
	s.cluster.save()
}

func (s *server) perform(w *write) {
	if w.commit != nil {
		s.log = append(s.log, w.commit)
	}
	if w.alter != nil {
		w.alter(s.members)
	}
}

// hangs reports whether a write waits for the standby.
func (s *server) hangs(w *write) bool { return slices.Contains(s.hung, w) }

// cancel ends the wait for the standby: what waited can be seen, and its client gets a warning.
func (s *server) cancel(w *write) {
	if s.hangs(w) {
		s.cluster.w.counts.fault("wait for the standby cancelled")
		s.show(w)
		if w.done != nil {
			w.done(s.cluster.w.broken == "notice")
		}
	}
}

// crash breaks all connections. What hung is recovered, and can be seen.
func (s *server) crash() {
	s.epoch++
	s.up, s.lock = false, nil
	for len(s.hung) > 0 {
		s.show(s.hung[0])
	}
}

// rowLocked reports whether a write that hangs locks a member's row.
func (s *server) rowLocked(id fence.MemberID) bool {
	return slices.ContainsFunc(s.hung, func(w *write) bool { return w.member == id })
}

// copyOf makes the server a standby that has all that another has.
func (s *server) copyOf(other *server) {
	s.epoch++
	s.role, s.up, s.lock, s.hung = standby, true, nil, nil
	s.wal, s.log, s.members = slices.Clone(other.wal), slices.Clone(other.log), maps.Clone(other.members)
	s.floor, s.sent = other.floor, other.sent
}
