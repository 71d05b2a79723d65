// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"syscall"
	"time"

	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/torture/history"
)

// lockTimeout is how long a change waits for the lock under which changes are numbered.
const lockTimeout = 2 * time.Second

var sessionFaults = []Fault{
	{
		Number: 16, Name: "sessions are murdered", How: "pg_terminate_backend of any session, five a second",
		Inject: murder, Check: expect(happened("terminated")),
	},
	{
		Number: 18, Name: "whoever holds the log's lock is frozen", Times: 2,
		How:    "a session takes the lock and sleeps; backends are stopped wherever they are",
		Expect: "no change is OK meanwhile, none hangs for longer than a row and then the log are waited for, and decisions go on",
		Inject: freezeLock, Check: expect(happened("locked"), neverOK("locked", "unlocked"),
			failedWithin("locked", "unlocked", 2*lockTimeout), decidedMeanwhile("locked", "unlocked"), decidedMeanwhile("backend stopped", "backend goes on")),
	},
	{
		Number: 19, Name: "a long snapshot", How: "a REPEATABLE READ transaction is open for the whole run",
		Expect: "changes take no more than twice as long as at first, and some slack",
		Inject: longSnapshot, Check: expect(steady),
	},
	{
		Number: 27, Name: "mixed versions and leases, and a kind of change that nobody knows", Needs: []Need{Two},
		How: "one of three replicas is of a version that knows no changes of sessions; leases of 500 ms, 1 s and 5 s; rows of a kind " +
			"in the log that no version knows; kill -9",
		Expect: "a change waits for one that is killed as its own lease demands, and for nobody else",
		Leases: func(replica int) time.Duration {
			return []time.Duration{fence.MinLease, time.Second, fence.MaxLease}[replica%3]
		},
		Earlier: func(replica int) bool { return replica%3 == 1 },
		Inject:  unknownKind, Check: expect(happened("unknown kind"), happened("kill"), waitedForTheKilled("kill", "counted out")),
	},
	{
		Number: 28, Name: "the log is shortened past a replica that sleeps",
		How:    "a replica is stopped, changes are made, all rows but the newest deleted, and it is woken",
		Expect: "it begins anew", Inject: shortenLog, Check: expect(happened("shortened"), grew(abandonedTotal, "mismatch")),
	},
}

// murder proves that no session matters: each is made anew, and whatever was under way on it is unknown and not OK.
func murder(ctx context.Context, s *Stage) {
	for ctx.Err() == nil {
		var n int
		err := s.Admin(s, s.Postgres.Primary()).QueryRowContext(ctx, `SELECT count(pg_terminate_backend(pid))
			FROM (SELECT pid FROM pg_stat_activity WHERE datname = 'authz' AND backend_type = 'client backend'
				ORDER BY random() LIMIT 1) AS victim`).Scan(&n)
		if err == nil && n > 0 {
			s.mark("terminated", -1)
		}
		pause(ctx, s.between(100*time.Millisecond, 300*time.Millisecond))
	}
}

// freezeLock proves that whoever is stopped where changes are numbered stops changes, and nothing else, and that nobody is
// told OK who did not get through.
func freezeLock(ctx context.Context, s *Stage) {
	s.each(ctx, s.Options.Lease, func() {
		tx, err := s.Inside(s, s.Postgres.Primary()).BeginTx(ctx, nil)
		if err != nil {
			s.Log(err)
			return
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, "SELECT lock_log()"); err != nil {
			return
		}
		// Whoever had the lock before has committed, and may still be waiting for others.
		pause(ctx, s.Options.Lease+s.Options.Lease/4+100*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		s.mark("locked", -1)
		pause(ctx, s.between(lockTimeout, 2*lockTimeout))
		s.mark("unlocked", -1)
	}, func() {
		var pid int
		err := s.Admin(s, s.Postgres.Primary()).QueryRowContext(ctx, `SELECT a.pid FROM pg_stat_activity a
			LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' AND l.mode = 'ExclusiveLock' AND l.granted
			WHERE a.datname = 'authz' AND a.backend_type = 'client backend' ORDER BY l.pid IS NULL, random() LIMIT 1`).Scan(&pid)
		if err != nil || syscall.Kill(pid, syscall.SIGSTOP) != nil {
			return
		}
		s.mark("backend stopped", -1)
		pause(ctx, s.between(100*time.Millisecond, 3*s.Options.Lease))
		_ = syscall.Kill(pid, syscall.SIGCONT)
		s.mark("backend goes on", -1)
	})
}

// decidedMeanwhile expects each replica that two marks are about to have decided something between them. By -1 they are about any.
func decidedMeanwhile(from, to string) expectation {
	return func(o *Outcome) string {
		decided := make(map[int]bool)
		o.spans(from, to, func(replica int, begin, end time.Duration) {
			decided[replica] = decided[replica] || slices.ContainsFunc(o.History.Asks, func(a history.Ask) bool {
				return (replica < 0 || int(a.Replica) == replica) && a.Answer != history.Undecided && a.Start > begin && a.End < end
			})
		})
		for replica, did := range decided {
			if !did {
				return fmt.Sprintf("replica %d (-1: any) decided nothing between %s and %s", replica, from, to)
			}
		}
		return ""
	}
}

// longSnapshot proves that versions of rows which cannot be cleared away do not slow down changes: the log is only added to.
func longSnapshot(ctx context.Context, s *Stage) {
	tx, err := s.Inside(s, s.Postgres.Primary()).BeginTx(context.WithoutCancel(ctx),
		&sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		s.Error(err)
		return
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM keys").Scan(&n); err != nil {
		s.Error(err)
	}
	s.mark("snapshot taken", -1)
	<-ctx.Done()
}

// steady compares how long changes took in the first third and in the last.
func steady(o *Outcome) string {
	var first, last []time.Duration
	var end time.Duration
	o.narrowings(func(c history.Change) { end = max(end, c.End) })
	o.narrowings(func(c history.Change) {
		switch {
		case c.Outcome != history.OK:
		case c.Start < end/3:
			first = append(first, c.End-c.Start)
		case c.Start > end-end/3:
			last = append(last, c.End-c.Start)
		}
	})
	if a, b := quantile(first, 0.5), quantile(last, 0.5); len(last) > 0 && b > 2*a+20*time.Millisecond {
		return fmt.Sprintf("changes took %v at first and %v in the end", a, b)
	}
	return ""
}

// unknownKind proves that each change waits as long as each replica may decide, and that a replica lets go of everything when
// it does not understand what has changed.
func unknownKind(ctx context.Context, s *Stage) {
	for ctx.Err() == nil {
		if _, err := s.Inside(s, s.Postgres.Primary()).ExecContext(ctx, "SELECT log_change(8, 'nobody knows what', true)"); err == nil {
			s.mark("unknown kind", -1)
		}
		pause(ctx, upTo(s.rand, time.Second))
		r := s.anyReplica()
		s.mark("kill", r.Number)
		r.Kill()
		pause(ctx, upTo(s.rand, time.Second))
		s.restart(r)
		// Who comes later may still wait for who it was: until somebody has seen no beat for that long.
		pause(ctx, 2*longestWait(s.fault.leaseOf(r.Number, s.Options.Lease)))
		s.mark("counted out", r.Number)
	}
}

// shortenLog proves that who missed changes for good does not go on from where it was, whether or not it was counted out meanwhile.
func shortenLog(ctx context.Context, s *Stage) {
	for n := 0; ctx.Err() == nil; n++ {
		asleep := s.between(s.Options.Lease/4, s.Options.Lease/2)
		if n%2 == 1 {
			asleep = s.between(s.Options.Lease, 2*s.Options.Lease)
		}
		r := s.anyReplica()
		r.Freeze()
		pause(ctx, asleep)
		_, err := s.Inside(s, s.Postgres.Primary()).ExecContext(ctx, // one transaction; and there is something to miss
			"SELECT log_change(0, '', false); DELETE FROM change_log WHERE seq < (SELECT max(seq) FROM change_log)")
		if err == nil {
			s.mark("shortened", r.Number)
		}
		r.Thaw()
		pause(ctx, s.between(s.Options.Lease, 2*s.Options.Lease))
	}
}
