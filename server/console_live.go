// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"aeroplane.run/authz"
)

const (
	// liveAgain is how often a stream looks whether its visitor still may, and says that it is still there. So for no longer is one told of
	// changes whose session has ended: that there are some, and never which. Between, it does not look: each change would cost each stream a
	// look-up of its console session in the database.
	liveAgain = 10 * time.Second
	// liveLife bounds a stream. The page opens another.
	liveLife = 5 * time.Minute
	// liveWriting bounds how long a stream waits for a page that does not read.
	liveWriting = 5 * time.Second
)

// live tells the page each time that something has changed: server-sent events, each with the revision that was applied here. What has changed
// the page asks for. The stream ends when its visitor's session does.
func (d *consoleDoor) live(w http.ResponseWriter, r *http.Request) {
	looked := time.Now()
	v, err := d.visitor(r)
	if err != nil {
		d.refuse(w, r, livePath, err)
		return
	}
	of := streamsOfVisitor(v)
	if err := d.streams.add(of); err != nil {
		d.refuse(w, r, livePath, err)
		return
	}
	defer d.streams.remove(of)
	ctx, cancel := context.WithTimeout(r.Context(), liveLife)
	defer cancel()
	defer context.AfterFunc(d.ending, cancel)()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events to itself
	to := http.NewResponseController(w)
	_ = to.SetReadDeadline(time.Time{})                                     // that of requests would end the stream
	defer func() { _ = to.SetWriteDeadline(time.Now().Add(liveWriting)) }() // for what ends the answer
	d.tell(ctx, to, w, r, looked)
}

const (
	// stillHere is no event: it keeps the stream, and tells who has gone.
	stillHere = ": still here\n\n"
	// liveEnded is the last: the page asks why, and says it.
	liveEnded = "event: ended\ndata:\n\n"
)

// tell sends events until the page has gone, the stream's time is over, or the visitor may not any more. It says something at once, so that
// the page knows that there is a stream. looked is when the visitor was last known to be good.
//
// While it cannot be known whether the visitor still may, as when the database does not answer for a moment, the stream stays, and tells of no
// change until it is.
func (d *consoleDoor) tell(ctx context.Context, to *http.ResponseController, w http.ResponseWriter, r *http.Request, looked time.Time) {
	var seen authz.Revision
	event, known, untold := stillHere, true, false
	for event == "" || sendEvent(to, w, event) == nil {
		event = ""
		if now, moved := d.await(ctx, seen, looked.Add(liveAgain)); moved {
			seen, untold = now, true
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(looked) >= liveAgain {
			looked = time.Now() // before the answer, which may be late
			_, err := d.visitor(r)
			if kind := authz.KindOf(err); kind == authz.Unauthenticated || kind == authz.PermissionDenied {
				_ = sendEvent(to, w, liveEnded) // that is all, whether it arrives or not
				return
			}
			event, known = stillHere, err == nil
		}
		if known && untold {
			event, untold = fmt.Sprintf("event: change\ndata: %s\n\n", seen), false
		}
	}
}

// sendEvent gives the page a while to read an event. Afterwards there is no deadline: over HTTP/2 one that passes ends the stream, also while
// nothing is sent.
func sendEvent(to *http.ResponseController, w http.ResponseWriter, event string) error {
	_ = to.SetWriteDeadline(time.Now().Add(liveWriting))
	if _, err := w.Write([]byte(event)); err != nil {
		return err
	}
	if err := to.Flush(); err != nil {
		return err
	}
	return to.SetWriteDeadline(time.Time{})
}

// await waits for a change, and not for longer than until the visitor is to be looked at again; for as long also where nobody can tell of
// changes any more.
func (d *consoleDoor) await(ctx context.Context, seen authz.Revision, again time.Time) (now authz.Revision, moved bool) {
	ctx, cancel := context.WithDeadline(ctx, again)
	defer cancel()
	now, err := d.follower.Follow(ctx, seen)
	if err != nil {
		<-ctx.Done()
	}
	return now, err == nil
}
