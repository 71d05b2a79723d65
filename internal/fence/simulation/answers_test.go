// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"errors"
	"reflect"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// What must hold of every answer.

// judge checks the answer to a look-up.
func (w *world) judge(l *lookUp, d authz.Decision, err error) {
	if w.over() {
		return
	}
	w.trace.note(w.scheduler, l.name, "%s: allowed %v, %v at %v, %v", l.request.name, d.Allowed, d.Reason, d.Revision, err)
	if err != nil {
		w.judgeRefusal(l, err)
		return
	}
	if !l.asked {
		return
	}
	w.counts.answered(l, d.Allowed)
	w.named = append(w.named, l.facts.Revision)
	if len(w.named) > 50 {
		w.named = w.named[1:]
	}
	at, known := w.history.places[l.facts.Revision]
	if !known {
		w.fail("history", "%s: the answer names revision %v, which never was", l.name, l.facts.Revision)
		return
	}
	w.judgeFacts(l, at)
	w.judgeRevision(l, at)
	w.judgeDecision(l, d)
	w.judgeTime(l)
}

// judgeFacts: every answer is, field by field, what the history says at the revision that it names. Of a commit of several
// rows that is not applied whole nothing is known yet. (I6, I7, I14: whatever the caches and the shelf held.)
func (w *world) judgeFacts(l *lookUp, at place) {
	look := authz.Lookup{Query: l.query}
	_, _ = look.Gather(at.seen().after)
	want := look.Facts
	want.Revision, want.Now = l.facts.Revision, l.facts.Now
	if !reflect.DeepEqual(want, l.facts) {
		diff := cmp.Diff(want, l.facts, cmpopts.IgnoreUnexported(authz.KeyRecord{}))
		w.fail("I6, I7, I14", "%s: the answer is not what the history says at %v (-history +answer):\n%s", l.name, l.facts.Revision, diff)
	}
}

// judgeRevision: an answer knows of every change that was answered OK before the look-up began; a strong one also of every
// change that could not be lost any more, and of none that may be; and one that asked for a revision knows of that.
func (w *world) judgeRevision(l *lookUp, at place) {
	if !at.seen().follows(l.okay) {
		w.fail("I1", "%s: the answer at %v does not know of %v (%s), which was answered OK before", l.name, l.facts.Revision,
			l.okay.last(), l.okay.by)
	}
	c := l.query.Consistency
	if c.Strong && !at.seen().follows(l.safe) {
		w.fail("strong", "%s: the answer at %v does not know of %v, which was committed before", l.name, l.facts.Revision, l.safe.last())
	}
	if c.Strong && at.seen().safe.IsZero() {
		w.fail("strong", "%s: the answer at %v knows of %v, which may yet be lost", l.name, l.facts.Revision, at.seen().last())
	}
	if wanted := w.history.places[c.AtLeast]; !c.AtLeast.IsZero() && (!at.commit.follows(wanted.commit) || l.facts.Revision.Seq < c.AtLeast.Seq) {
		w.fail("at least", "%s: the answer at %v does not know of %v, which was asked for", l.name, l.facts.Revision, c.AtLeast)
	}
}

// judgeDecision is the promise itself, which needs no revisions (I1): a request may be allowed only if it was so at some
// time not before the newest change that was answered OK when it began.
func (w *world) judgeDecision(l *lookUp, d authz.Decision) {
	if !d.Allowed {
		return
	}
	for c := range w.history.since(l.okay) {
		if l.request.allows(c.after, l.facts.Now) {
			return
		}
	}
	w.fail("I1", "%s: %s is allowed, and was not since %v (%s) was answered OK", l.name, l.request.name, l.okay.last(), l.okay.by)
}

// judgeTime: what expires is judged by a time that is not before the database's at the beginning, nor, where something had
// to be fetched, when it came, lest something lasts too long; and not so far ahead that everything would expire early. Two
// clocks are at most half of the time apart that has passed since one was set by the other, and the round that set it, which
// may take half a lease, counts from its beginning.
func (w *world) judgeTime(l *lookUp) {
	if l.facts.Now.Before(l.earliest.Add(-time.Microsecond)) { // which is as exact as the database tells it
		w.fail("time", "%s: judged by %v, and the database's clock had said %v", l.name, l.facts.Now, l.earliest)
	}
	latest := w.cluster.now().Add((w.scheduler.now() - l.began + 2*slowest(fence.MaxLease)) / 2)
	if l.facts.Now.After(latest) {
		w.fail("time", "%s: judged by %v, and it cannot be later than %v", l.name, l.facts.Now, latest)
	}
}

// judgeRefusal: who is refused is told why, in a way that fits.
func (w *world) judgeRefusal(l *lookUp, err error) {
	var known *authz.Error
	if !errors.As(err, &known) {
		w.fail("refusals", "%s: %v", l.name, err)
		return
	}
	w.counts.add("refused: "+known.Code, 1)
	switch known.Code {
	case authz.CodeLease, authz.CodeOverloaded, authz.CodeStoreUnavailable:
	case authz.CodeRevisionUnknown:
		w.judgeUnknown(l)
	default:
		w.fail("refusals", "%s: %v", l.name, err)
	}
}

// judgeUnknown: a revision that cannot be lost is known to all, unless it has left the log, or the window of who is asked.
func (w *world) judgeUnknown(l *lookUp) {
	asked, known := w.history.places[l.query.Consistency.AtLeast]
	v, joined := l.process.store.Current()
	if !known || !joined || !l.safe.follows(asked.commit) {
		return
	}
	first := asked.commit.first().Seq
	inLog := first > max(w.cluster.servers[0].floor, w.cluster.servers[1].floor)
	_, head, size := v.Window()
	if inWindow := head-first < int64(size); inLog && inWindow {
		w.fail("at least", "%s: %v is said to be unknown, and is of the history", l.name, l.query.Consistency.AtLeast)
	}
}
