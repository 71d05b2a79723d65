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
		start, life := time.Now(), mostAhead(w.lease)+w.lease/4+upTo(w.rand, w.lease/2)
		end, token := start.Add(life), w.id("token")
		bounded, cancel := context.WithTimeout(ctx, deadline)
		answer, err := putSession(bounded, w.anyDoor(), token, w.name, v1.UserRole_USER_ROLE_USER, end)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				w.count("session: " + reasonOf(err))
			}
			pause(ctx, 20*time.Millisecond)
			continue
		}
		w.note(answer)
		q := question{request: withSession(token, "GET", "/api/projects"), Subject: w.NewSubject(), made: w.newest, expires: w.At(end)}
		asking, stop := context.WithCancel(ctx)
		for _, d := range w.doors {
			w.startAsker(asking, d, []question{q}, w.rand.Uint64())
		}
		pause(ctx, time.Until(end)+upTo(w.rand, 200*time.Millisecond))
		stop()
		w.bury([]question{q})
	}
}

// mostAhead is how much earlier than by the clock of Postgres a replica may take something for expired: to what that clock said
// in the last round it adds five quarters of what has passed since the round began, and that is a lease at the most.
func mostAhead(lease time.Duration) time.Duration { return lease + lease/4 }

// judgeExpiry judges what was asked about sessions that ended by themselves.
func (o *Outcome) judgeExpiry(asks []history.Ask) {
	violations, expiry := history.JudgeExpiry(asks, func(replica uint8) time.Duration { return mostAhead(o.leaseOf(replica)) }, o.Excuse)
	o.Violations, o.Expiry = append(o.Violations, violations...), expiry
}

// someExpired expects sessions to have ended by themselves on replicas that had allowed what was asked by them, if there was time
// for that.
func someExpired(o *Outcome) string {
	if o.Lasted >= 3*o.Lease && (o.Expiry.Allowed == 0 || o.Expiry.Denied == 0) {
		return "no session was seen to end by itself"
	}
	return ""
}
