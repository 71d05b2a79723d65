// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"bytes"
	"context"
	"slices"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// A postgres is the ports of a fence that lead to the database: it implements fence.Log and fence.Members.
type postgres struct{ *process }

var (
	_ fence.Log     = postgres{}
	_ fence.Members = postgres{}
)

type nothing struct{}

// alter makes a write of a member's row, and answers when it is confirmed. It waits for whoever has locked the row, as long
// as the lock timeout allows. If there is nothing to alter then, as still says, nothing is written.
func (s *server) alter(what string, id fence.MemberID, still func() bool, alter func(map[fence.MemberID]member),
	answer func(nothing, error)) {
	w, epoch := s.cluster.w, s.epoch
	if s.role == standby {
		answer(nothing{}, errReadOnly)
		return
	}
	free := func() bool { return !s.rowLocked(id) || s.epoch != epoch }
	w.scheduler.postWhen(0, what+" takes the lock of the row", free, lockTimeout, func() {
		switch {
		case s.epoch != epoch:
		case s.rowLocked(id):
			answer(nothing{}, errLockTimeout)
		case !still():
			answer(nothing{}, nil)
		default:
			s.write(&write{name: what, member: id, alter: alter, done: func(confirmed bool) {
				if confirmed {
					answer(nothing{}, nil)
				} else {
					answer(nothing{}, errUnconfirmed)
				}
			}})
		}
	})
}

// cancelMember ends the wait of a write of a member's row.
func (s *server) cancelMember(id fence.MemberID) {
	for _, w := range s.hung {
		if w.member == id {
			s.cancel(w)
			return
		}
	}
}

// Join implements fence.Members.
func (p postgres) Join(ctx context.Context, m fence.Member) error {
	p.w.members[m.ID] = p.process
	_, err := ask(ctx, p.process, toFollow, p.name+": join", func(s *server, answer func(nothing, error)) {
		absent := func() bool { _, there := s.members[m.ID]; return !there } // else the question came twice
		s.alter(p.name+": join", m.ID, absent, func(members map[fence.MemberID]member) {
			members[m.ID] = member{id: m.ID, lease: m.Lease}
		}, answer)
	}, func(s *server) { s.cancelMember(m.ID) })
	return err
}

// Round implements fence.Members.
func (p postgres) Round(ctx context.Context, id fence.MemberID, applied authz.Revision, limit int) (fence.Answer, error) {
	p.w.mustHaveApplied(p.process, id, applied)
	began := p.machine.clock.Boot()
	answer, err := ask(ctx, p.process, toFollow, p.name+": round", func(s *server, answer func(fence.Answer, error)) {
		s.round(p.name+": round", id, applied, limit, answer)
	}, func(s *server) { s.cancelMember(id) })
	if err == nil && len(answer.Rows) < limit {
		p.rounds[id] = began
	}
	return answer, err
}

// round is one statement: it sees what there is when it begins, and, of the row that it alters, what there is once it has
// the lock.
func (s *server) round(what string, id fence.MemberID, applied authz.Revision, limit int, answer func(fence.Answer, error)) {
	w := s.cluster.w
	beat := w.tag()
	if w.broken == "beats count" {
		beat = s.members[id].beat + 1
	}
	seen := fence.Answer{Rows: s.rows(applied.Seq, limit), Clock: s.cluster.now()}
	if w.broken == "read only" { // a round that is but a read
		answer(seen, nil)
		return
	}
	there := func() bool {
		_, there := s.members[id]
		if !there && w.broken != "upsert" {
			seen.Rows = nil
			return false
		}
		return true
	}
	s.alter(what, id, there, func(members map[fence.MemberID]member) {
		m := members[id]
		members[id] = member{id: id, lease: max(m.lease, fence.MinLease), beat: beat, acked: applied}
	}, func(_ nothing, err error) { answer(seen, err) })
}

// Ack implements fence.Members.
func (p postgres) Ack(ctx context.Context, id fence.MemberID, applied authz.Revision) error {
	p.w.mustHaveApplied(p.process, id, applied)
	_, err := ask(ctx, p.process, toAck, p.name+": ack", func(s *server, answer func(nothing, error)) {
		s.ack(p.name+": ack", id, applied, answer)
	}, nil)
	return err
}

// ack is a commit for which nobody waits.
func (s *server) ack(what string, id fence.MemberID, applied authz.Revision, answer func(nothing, error)) {
	epoch := s.epoch
	free := func() bool { return !s.rowLocked(id) || s.epoch != epoch }
	s.cluster.w.scheduler.postWhen(0, what+" takes the lock of the row", free, lockTimeout, func() {
		if _, there := s.members[id]; !there || s.epoch != epoch || s.rowLocked(id) || s.role == standby {
			answer(nothing{}, errReset)
			return
		}
		s.write(&write{name: what, member: id, async: true, alter: func(members map[fence.MemberID]member) {
			if m, there := members[id]; there {
				m.acked = applied
				members[id] = m
			}
		}})
		answer(nothing{}, nil)
	})
}

// List implements fence.Members.
func (p postgres) List(ctx context.Context, asked []authz.Revision) (fence.Roll, error) {
	roll, err := ask(ctx, p.process, toList, p.name+": list", func(s *server, answer func(fence.Roll, error)) {
		answer(s.roll(asked), nil)
	}, nil)
	if err == nil {
		p.listed(asked, roll)
	}
	return roll, err
}

func (s *server) roll(asked []authz.Revision) (roll fence.Roll) {
	broken := s.cluster.w.broken
	for _, m := range s.members {
		state := fence.MemberState{ID: m.id, Lease: m.lease, Beat: m.beat}
		if s.has(m.acked) || broken == "tagless acks" {
			state.Applied = m.acked
		}
		roll.Members = append(roll.Members, state)
	}
	slices.SortFunc(roll.Members, func(a, b fence.MemberState) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, r := range asked {
		roll.Held = append(roll.Held, s.has(r) || broken == "any list")
	}
	return roll
}

// Collect implements fence.Members.
func (p postgres) Collect(ctx context.Context, id fence.MemberID, beat int64) error {
	_, err := ask(ctx, p.process, toFollow, p.name+": collect", func(s *server, answer func(nothing, error)) {
		still := func() bool { return s.members[id].beat == beat || p.w.broken == "beat ignored" }
		s.alter(p.name+": collect", id, still, func(members map[fence.MemberID]member) { delete(members, id) }, answer)
	}, nil)
	return err
}

// Leave implements fence.Members.
func (p postgres) Leave(ctx context.Context, id fence.MemberID) error {
	_, err := ask(ctx, p.process, toFollow, p.name+": leave", func(s *server, answer func(nothing, error)) {
		there := func() bool { _, there := s.members[id]; return there }
		s.alter(p.name+": leave", id, there, func(members map[fence.MemberID]member) { delete(members, id) }, answer)
	}, nil)
	return err
}
