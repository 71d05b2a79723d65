// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"
)

// A channel is what a process has a connection for.
type channel uint8

const (
	toFollow channel = iota // rounds, the log, joining and leaving: never to a standby
	toAck                   // acknowledgements
	toList                  // the list of members
	toFill                  // reads of records: to whichever server
	toChange                // changes
	toListen                // notifications
	numChannels
)

// A connection leads to one server, until that or somebody breaks it.
type connection struct {
	server *server
	epoch  int
}

func (c connection) broken() bool {
	return c.server == nil || !c.server.up || c.server.epoch != c.epoch
}

// connect returns the connection of a channel, which is made anew if it is broken: to the primary as a rule, or to what an
// old address leads to.
func (p *process) connect(ch channel) (*connection, error) {
	c := &p.connections[ch]
	if c.broken() {
		w := p.w
		s := w.cluster.primary()
		if w.happens(w.weather.misrouting, "connected to another server than the primary") {
			s = w.cluster.other()
		}
		if !s.up || (ch == toFollow || ch == toListen) && s.role == standby {
			return nil, errReset
		}
		*c = connection{s, s.epoch}
	}
	return c, nil
}

// ask asks a server something, over a channel of a process. exec is what the server does when the question arrives; it
// calls answer then, or later, or never. cancel, if there is one, is what it does when the asker has given up.
//
// Questions and answers may be lost, come late, and questions twice.
func ask[T any](ctx context.Context, p *process, ch channel, what string,
	exec func(s *server, answer func(T, error)), cancel func(s *server)) (reply T, err error) {
	w := p.w
	w.questions++
	what += " " + strconv.Itoa(w.questions)
	w.scheduler.step(what + " to be sent")
	conn, err := p.connect(ch)
	if err != nil {
		return reply, err
	}
	answered := make(chan struct{})
	var got bool
	answer := func(r T, e error) {
		if p.cut || w.happens(w.weather.lossy, "answer lost") {
			return
		}
		w.scheduler.post(w.delay(), what+" answered", func() {
			if !got {
				got, reply, err = true, r, e
				close(answered)
			}
		})
	}
	link := *conn
	arrive := func() {
		switch {
		case p.cut:
			w.counts.fault("cut off")
		case !link.broken():
			exec(link.server, answer)
		case w.chance.IntN(2) == 0: // else nobody says so
			var none T
			answer(none, errReset)
		}
	}
	if !w.happens(w.weather.lossy, "question lost") {
		w.scheduler.post(w.delay(), what+" arrives", arrive)
	}
	if w.happens(w.weather.repeating, "question repeated") {
		w.scheduler.post(w.delay(), what+" arrives again", arrive)
	}
	select {
	case <-answered:
	case <-ctx.Done():
	case <-w.scheduler.over:
	}
	w.scheduler.step(what + " has an answer, or none")
	if !got || ctx.Err() != nil {
		w.counts.fault("no answer in time")
		if cancel != nil && !link.broken() && w.chance.IntN(2) == 0 {
			w.scheduler.post(w.delay(), what+" cancelled", func() { cancel(link.server) })
		}
		*conn = connection{} // the driver throws it away
		var none T
		return none, errTimeout
	}
	if err != nil && w.chance.IntN(2) == 0 {
		*conn = connection{}
	}
	return reply, err
}

// A weather is how likely things go wrong, each in so many of a thousand.
type weather struct {
	lossy, slow, repeating, misrouting, freezing, forgetful, deaf int
}

// drawWeather makes some things go wrong, and others not: if everything went wrong always, nobody would get far enough for
// the rest.
func drawWeather(chance *rand.Rand) weather {
	some := func(most int) int {
		if chance.IntN(2) == 0 {
			return 0
		}
		return 1 + chance.IntN(most)
	}
	return weather{lossy: some(30), slow: some(200), repeating: some(30), misrouting: some(500), freezing: some(100),
		forgetful: some(500), deaf: some(500)}
}

// happens draws whether something goes wrong, and counts it.
func (w *world) happens(inThousand int, what string) bool {
	if inThousand == 0 || w.chance.IntN(1000) >= inThousand {
		return false
	}
	w.counts.fault(what)
	return true
}

// upTo draws a duration.
func (w *world) upTo(longest time.Duration) time.Duration {
	return time.Duration(w.chance.Int64N(int64(longest)))
}

// delay is how long a message takes.
func (w *world) delay() time.Duration {
	if !w.happens(w.weather.slow, "message late") {
		return 0
	}
	return w.upTo([...]time.Duration{5 * time.Millisecond, 100 * time.Millisecond, time.Second, 9 * time.Second}[w.chance.IntN(4)])
}

// freeze is for how long a server process that holds the log's lock is stopped.
func (w *world) freeze() time.Duration {
	if !w.happens(w.weather.freezing, "holder of the log's lock frozen") {
		return 0
	}
	return w.upTo(3 * time.Second)
}
