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
	// liveAgain is how often a stream looks whether its visitor still may, and says that it is still there.
	liveAgain = 10 * time.Second
	// liveLife bounds a stream. The page opens another.
	liveLife = 5 * time.Minute
	// liveWriting bounds how long a stream waits for a page that does not read.
	liveWriting = 5 * time.Second
	// maxLive bounds the streams at a time: each is a goroutine and a connection.
	maxLive = 1000
)

// live tells the page each time that something has changed: server-sent events, each with the revision that was applied here. What has changed
// the page asks for. The stream ends when its visitor's session does.
func (d *consoleDoor) live(w http.ResponseWriter, r *http.Request) {
	if _, err := d.visitor(r); err != nil {
		d.refuse(w, r, livePath, err)
		return
	}
	if d.streams.Add(1) > maxLive {
		d.streams.Add(-1)
		err := authz.Errorf(authz.Unavailable, "too many pages are open")
		d.refuse(w, r, livePath, err)
		return
	}
	defer d.streams.Add(-1)
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
	d.tell(ctx, to, w, r)
}

// stillHere is no event: it keeps the stream, and tells who has gone.
const stillHere = ": still here\n\n"

// tell sends events until the page has gone, the stream's time is over, or the visitor may not any more. It says something at once, so that
// the page knows that there is a stream.
func (d *consoleDoor) tell(ctx context.Context, to *http.ResponseController, w http.ResponseWriter, r *http.Request) {
	var seen authz.Revision
	event, may := stillHere, true
	for sendEvent(to, w, event) == nil && may {
		event = stillHere
		if now, moved := d.await(ctx, seen); moved {
			seen, event = now, fmt.Sprintf("event: change\ndata: %s\n\n", now)
		}
		if ctx.Err() != nil {
			return
		}
		if _, err := d.visitor(r); err != nil {
			event, may = "event: ended\ndata:\n\n", false // the page asks why, and says it
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
func (d *consoleDoor) await(ctx context.Context, seen authz.Revision) (now authz.Revision, moved bool) {
	ctx, cancel := context.WithTimeout(ctx, liveAgain)
	defer cancel()
	now, err := d.follower.Follow(ctx, seen)
	if err != nil {
		<-ctx.Done()
	}
	return now, err == nil
}
