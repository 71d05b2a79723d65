// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/sqlstore"
)

// protocol is the version of what members owe each other.
const protocol = 1

// astray is how old a connection of the lists is when it is given up because the log has not what was asked for: it may lead to a
// server that is primary no more. What no server has is asked for again and again, and must not cost a connection each time.
const astray = time.Second

// A history follows the log, and tells the members of each other. It has sessions of its own, so that no flood of other
// calls keeps it from a connection, and nothing between us and the server may share them among clients.
type history struct {
	rounds *session // what the loop asks
	acks   *session // whose commits nobody waits for
	lists  *session // what the barrier asks
	waker  waker
	guest  bool // may remove nobody else

	oldest  atomic.Int64 // how old the oldest snapshot is, in nanoseconds
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup
}

var (
	_ fence.Log     = (*history)(nil)
	_ fence.Members = (*history)(nil)
)

func newHistory(src source) *history {
	h := &history{
		rounds: newSession(src, purpose{}), acks: newSession(src, purpose{forgetful: true}),
		lists: newSession(src, purpose{}), waker: newWaker(src), guest: src.Guest,
	}
	// A round proves where the primary is. The others do not notice when it is another one: they only read, or nobody waits for
	// what they write.
	h.rounds.replaced = func() {
		for _, s := range []*session{h.acks, h.lists, h.waker.session} {
			s.outdate(0)
		}
	}
	h.life, h.end = context.WithCancel(context.Background())
	h.running.Go(h.watchSnapshots)
	h.running.Go(func() { // so that the first acknowledgement need not wait for a connection
		ctx, cancel := context.WithTimeout(h.life, dialTimeout)
		defer cancel()
		_ = h.acks.do(ctx, func(context.Context, *sql.Conn) error { return nil })
	})
	return h
}

func (h *history) close() {
	h.end()
	h.running.Wait()
	for _, s := range []*session{h.rounds, h.acks, h.lists, h.waker.session} {
		s.close()
	}
}

// Head implements fence.Log.
func (h *history) Head(ctx context.Context) (r authz.Revision, err error) {
	err = h.rounds.ask(ctx, func(q sqlstore.Querier) error {
		r, err = logBy(q).Head(ctx)
		return err
	})
	return r, err
}

// Since implements fence.Log.
func (h *history) Since(ctx context.Context, from int64, limit int) (rows []fence.Row, err error) {
	err = h.rounds.ask(ctx, func(q sqlstore.Querier) error {
		rows, err = logBy(q).Since(ctx, from, limit)
		return err
	})
	return rows, err
}

// Through implements fence.Log.
func (h *history) Through(ctx context.Context, through int64, limit int) (rows []fence.Row, err error) {
	err = h.rounds.ask(ctx, func(q sqlstore.Querier) error {
		rows, err = logBy(q).Through(ctx, through, limit)
		return err
	})
	return rows, err
}

// Listen implements fence.Log.
func (h *history) Listen(ctx context.Context, look func()) { h.waker.run(ctx, look) }

func logBy(q sqlstore.Querier) sqlstore.Log { return sqlstore.Log{Queries: q, Dialect: dialect} }

// Join implements fence.Members.
func (h *history) Join(ctx context.Context, m fence.Member) error {
	return h.rounds.confirmed(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `INSERT INTO members (id, lease_ms, protocol, name, beat, applied_seq, applied_tag)
			VALUES ($1, $2, $3, $4, 0, 0, 0)`, uuid(m.ID), m.Lease.Milliseconds(), protocol, m.Name)
		return err
	})
}

// roundStatement writes a row, so that its commit is one, and reads the log in the same snapshot, if the row was there. The
// beat is random: were it counted, an old primary that shows a round which was never confirmed would have a beat that the new
// one comes to have later, and who saw it there would take a member for dead that lives.
const roundStatement = `WITH me AS
		(UPDATE members SET beat = random_tag(), applied_seq = $2, applied_tag = $3 WHERE id = $1 RETURNING id)
	SELECT l.seq, l.tag, l.kind, l.subject, l.narrowing, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
	FROM change_log l WHERE l.seq >= $2 AND EXISTS (SELECT FROM me) ORDER BY l.seq LIMIT $4`

// Round implements fence.Members.
func (h *history) Round(ctx context.Context, id fence.MemberID, applied authz.Revision, limit int) (a fence.Answer, err error) {
	err = h.rounds.confirmed(ctx, func(ctx context.Context, conn *sql.Conn) error {
		a = fence.Answer{}
		rows, err := conn.QueryContext(ctx, roundStatement, uuid(id), applied.Seq, applied.Tag, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		var clock int64
		for rows.Next() {
			var r fence.Row
			if err := rows.Scan(append(sqlstore.RowColumns(&r), &clock)...); err != nil {
				return err
			}
			a.Rows = append(a.Rows, r)
		}
		a.Clock = time.UnixMicro(clock).UTC()
		return errors.Join(rows.Err(), rows.Close())
	})
	return a, err
}

// Ack implements fence.Members.
func (h *history) Ack(ctx context.Context, id fence.MemberID, applied authz.Revision) error {
	return h.acks.ask(ctx, func(q sqlstore.Querier) error {
		rows, err := q.QueryContext(ctx, "UPDATE members SET applied_seq = $2, applied_tag = $3 WHERE id = $1 AND applied_seq < $2",
			uuid(id), applied.Seq, applied.Tag)
		if err != nil {
			return err
		}
		return errors.Join(rows.Close(), rows.Err()) // there are none
	})
}

// listStatement has a row for each member, and one for each of the revisions, $1 and $2, that the log holds. OFFSET 0 keeps the
// planner from joining: whatever it takes the tables' sizes to be, each row of the log is found by the index.
const listStatement = `SELECT m.id::text, m.lease_ms, m.name, m.beat, COALESCE(l.seq, 0), COALESCE(l.tag, 0)
		FROM members m LEFT JOIN LATERAL (SELECT c.seq, c.tag FROM change_log c
			WHERE c.seq = m.applied_seq AND c.tag = m.applied_tag OFFSET 0) AS l ON TRUE
	UNION ALL SELECT '', 0, '', asked.n, 0, 0
		FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS asked (seq, tag, n)
		CROSS JOIN LATERAL (SELECT FROM change_log c WHERE c.seq = asked.seq AND c.tag = asked.tag OFFSET 0) AS l`

// List implements fence.Members.
func (h *history) List(ctx context.Context, ask []authz.Revision) (roll fence.Roll, err error) {
	seqs, tags := make([]int64, len(ask)), make([]int64, len(ask))
	for i, r := range ask {
		seqs[i], tags[i] = r.Seq, r.Tag
	}
	err = h.lists.ask(ctx, func(q sqlstore.Querier) error {
		roll = fence.Roll{Held: make([]bool, len(ask))}
		rows, err := q.QueryContext(ctx, listStatement, pq.Array(seqs), pq.Array(tags))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m fence.MemberState
			var id string
			var lease int64
			if err := rows.Scan(&id, &lease, &m.Name, &m.Beat, &m.Applied.Seq, &m.Applied.Tag); err != nil {
				return err
			}
			if id == "" {
				roll.Held[m.Beat-1] = true
				continue
			}
			if m.ID, err = memberID(id); err != nil {
				return err
			}
			m.Lease = time.Duration(lease) * time.Millisecond
			roll.Members = append(roll.Members, m)
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err == nil && slices.Contains(roll.Held, false) {
		h.lists.outdate(astray)
	}
	return roll, err
}

// collectStatement removes a row unless its owner holds it, who lives then, or wants to be waited for.
const collectStatement = `DELETE FROM members WHERE id =
	(SELECT m.id FROM members m WHERE m.id = $1 AND m.beat = $2 FOR UPDATE SKIP LOCKED)`

// Collect implements fence.Members.
func (h *history) Collect(ctx context.Context, id fence.MemberID, beat int64) error {
	if h.guest {
		return authz.Errorf(authz.FailedPrecondition, "a guest leaves it to the others to remove one of them")
	}
	return h.rounds.confirmed(ctx, func(ctx context.Context, conn *sql.Conn) error {
		deleted, err := conn.ExecContext(ctx, collectStatement, uuid(id), beat)
		if err != nil {
			return err
		}
		if n, err := deleted.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var there bool
		err = conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM members WHERE id = $1)", uuid(id)).Scan(&there)
		if err == nil && there {
			err = authz.Errorf(authz.FailedPrecondition, "the member has made a round since, or holds its row")
		}
		return err
	})
}

// Leave implements fence.Members.
func (h *history) Leave(ctx context.Context, id fence.MemberID) error {
	return h.rounds.confirmed(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "SELECT leave_members($1)", uuid(id))
		return err
	})
}

func uuid(id fence.MemberID) string { return hex.EncodeToString(id[:]) } // Postgres needs no dashes

func memberID(text string) (id fence.MemberID, err error) {
	digits := make([]byte, 0, 32)
	for _, c := range []byte(text) {
		if c != '-' {
			digits = append(digits, c)
		}
	}
	if len(digits) != 2*len(id) {
		return id, errors.New("a member's id is no UUID")
	}
	_, err = hex.Decode(id[:], digits)
	return id, err
}
