// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"time"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/torture/history"
)

// letExpire makes one session after the other that ends by itself, and asks every replica about it until some time after, until
// ctx ends. By which clock a replica judges is its own affair, but it must be right by that of Postgres, which is ours.
func (w *worker) letExpire(ctx context.Context) {
	for ctx.Err() == nil {
		life := w.lease + upTo(w.rand, w.lease/2) // nobody is that much ahead of the time
		token, end := w.id("token"), time.Now().Add(life).Truncate(time.Microsecond)
		expires := w.Now() + time.Until(end)
		bounded, cancel := context.WithTimeout(ctx, deadline)
		answer, err := putSession(bounded, w.anyDoor(), token, w.name, v1.UserRole_USER_ROLE_USER, end)
		cancel()
		if err != nil {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		w.note(answer)
		q := question{request: withSession(token, "GET", "/api/projects"), Subject: w.NewSubject(), made: w.newest, expires: expires}
		asking, stop := context.WithCancel(ctx)
		for _, d := range w.doors {
			w.startAsker(asking, d, []question{q}, w.rand.Uint64())
		}
		pause(ctx, time.Until(end)+upTo(w.rand, 200*time.Millisecond))
		stop()
		w.bury([]question{q})
	}
}

// ahead is how much earlier than by the clock of Postgres a replica may take something for expired: it adds a quarter to what
// has passed, by its clock, since its last round began, and that was a lease ago at the most. The round took half a lease at
// the most, and the clock goes a tenth too fast at the most.
func ahead(lease time.Duration) time.Duration { return lease * 4 / 5 }

// judgeExpiry judges what was asked about sessions that ended by themselves.
func (o *Outcome) judgeExpiry(asks []history.Ask) {
	lease := o.Lease
	if o.Env != nil { // replicas may have others
		lease = max(lease, longestLease)
	}
	violations, expiry := history.JudgeExpiry(asks, ahead(lease), o.Excuse)
	o.Violations, o.Expiry = append(o.Violations, violations...), expiry
}

// someExpired expects sessions to have ended by themselves on replicas that were asked about them before and after, if there was
// time for that.
func someExpired(o *Outcome) string {
	if o.Lasted >= 2*o.Lease && (o.Expiry.Allowed == 0 || o.Expiry.Denied == 0) {
		return "no session was seen to end by itself"
	}
	return ""
}
