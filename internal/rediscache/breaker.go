// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// openAfter is how many failures in a row open a breaker.
const openAfter = 5

// A breaker keeps Gets from a server that does not answer. It is open at first: a server has to prove itself. It opens
// again after openAfter failures in a row, and any answer closes it.
//
// While it is open no Get is let through to try. The node's own look, once a second at least, does that.
type breaker struct {
	failures atomic.Int32
	opened   *atomic.Uint64 // how often breakers opened

	server   string // for people
	password string // not for people
	log      *slog.Logger
	told     atomic.Bool  // the log was told that it is open
	quiet    atomic.Bool  // in a low voice, because it was told only a moment before
	last     atomic.Int64 // when it was told last, in Unix seconds
}

func (b *breaker) init(server, password string, log *slog.Logger, opened *atomic.Uint64) {
	b.server, b.password, b.log, b.opened = server, password, log, opened
	b.failures.Store(openAfter)
}

func (b *breaker) isOpen() bool { return b.failures.Load() >= openAfter }

// answered notes that the server answered in time.
func (b *breaker) answered() {
	if b.failures.Load() == 0 {
		return
	}
	if b.failures.Swap(0) >= openAfter {
		b.told.Store(false)
		b.tell(slog.LevelInfo, "Redis answers")
	}
}

// failed notes that it did not.
func (b *breaker) failed(err error) {
	if b.failures.Add(1) < openAfter || !b.told.CompareAndSwap(false, true) {
		return
	}
	b.opened.Add(1)
	now := time.Now().Unix()
	b.quiet.Store(now-b.last.Swap(now) < 60)
	b.tell(slog.LevelWarn, "Redis does not answer; decisions go on without it", slog.String("cause", presentable(err, b.password)))
}

// presentable returns what is fit to be seen of an error. A server may repeat what it did not understand, password and all.
func presentable(err error, password string) string {
	text := err.Error()
	if password != "" {
		text = strings.ReplaceAll(text, password, "[redacted]")
	}
	return text[:min(len(text), 200)]
}

// trip opens the breaker at once.
func (b *breaker) trip(err error) {
	b.failures.Store(openAfter)
	b.failed(err)
}

// tell tells the log. A server that comes and goes fills no disk with that.
func (b *breaker) tell(level slog.Level, message string, more ...slog.Attr) {
	if b.quiet.Load() {
		level = slog.LevelDebug
	}
	b.log.LogAttrs(context.Background(), level, message, append(more, slog.String("server", b.server))...)
}
