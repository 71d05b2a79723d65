// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// Head implements fence.Log.
func (p postgres) Head(ctx context.Context) (authz.Revision, error) {
	return ask(ctx, p.process, toFollow, p.name+": head", func(s *server, answer func(authz.Revision, error)) {
		answer(s.head().last(), nil)
	}, nil)
}

// Since implements fence.Log.
func (p postgres) Since(ctx context.Context, from int64, limit int) ([]fence.Row, error) {
	return ask(ctx, p.process, toFollow, p.name+": since", func(s *server, answer func([]fence.Row, error)) {
		answer(s.rows(from, limit), nil)
	}, nil)
}

// Through implements fence.Log.
func (p postgres) Through(ctx context.Context, through int64, limit int) ([]fence.Row, error) {
	return ask(ctx, p.process, toFollow, p.name+": through", func(s *server, answer func([]fence.Row, error)) {
		answer(s.back(through, limit), nil)
	}, nil)
}

// Listen implements fence.Log. Whether the connection still is one shows once a second.
func (p postgres) Listen(ctx context.Context, look func()) {
	const ping, whileDeaf = time.Second, 200 * time.Millisecond
	for {
		p.w.scheduler.step(p.name + ": to listen")
		if ctx.Err() != nil {
			return
		}
		was := p.connections[toListen]
		conn, err := p.connect(toListen)
		wait := ping
		if err != nil {
			wait = whileDeaf
		}
		if err != nil || *conn != was || p.rung {
			p.rung = false
			look()
		}
		timer := time.NewTimer(wait)
		select {
		case <-p.bell:
		case <-timer.C:
		case <-ctx.Done():
		case <-p.w.scheduler.over:
			return
		}
		timer.Stop()
	}
}

// notify tells those who listen on a server that there are new rows, unless the message is lost.
func (w *world) notify(s *server) {
	for _, p := range w.processes {
		if p.dead || p.connections[toListen].server != s || w.happens(w.weather.deaf, "notification lost") {
			continue
		}
		w.scheduler.post(w.delay(), p.name+" is notified", func() {
			p.rung = true
			select {
			case p.bell <- struct{}{}:
			default:
			}
		})
	}
}
