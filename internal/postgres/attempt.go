// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/lib/pq"
)

// An attempt makes one connection of a session, in its own time: it goes on when whoever asked for it has none left, and the next
// one takes over what it brings. Within the time of one caller a host that neither accepts nor refuses would use up all of it, and
// the host after it would never be dialled.
//
// Each host has until the dialer's timeout, from when it is dialled to when the connection is good.
type attempt struct {
	wrap func(net.Conn) net.Conn // what is dialled, if not nil
	end  context.CancelFunc      // ends it, and closes what it brought, unless somebody took that
	done chan struct{}           // closed when it is over; until then what is below is for its own goroutine

	conn driver.Conn
	wire net.Conn    // what conn is on, or the last one that was dialled
	keep func() bool // takes wire, for good; false: it is closed
	err  error
}

// attemptKey is what an attempt is found by in its context.
type attemptKey struct{}

func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

func newAttempt(life context.Context, wrap func(net.Conn) net.Conn) (a *attempt, ctx context.Context) {
	ctx, end := context.WithCancel(life)
	a = &attempt{wrap: wrap, end: end, done: make(chan struct{})}
	return a, context.WithValue(ctx, attemptKey{}, a)
}

func (a *attempt) run(ctx context.Context, c driver.Connector) {
	defer close(a.done)
	if a.conn, a.err = c.Connect(ctx); a.err == nil {
		a.err = a.wire.SetDeadline(time.Time{}) // from here on its user sees to that
	}
	if a.err != nil {
		a.end()
	}
}

// dialled takes in a connection, which is to be good before the deadline.
func (a *attempt) dialled(ctx context.Context, conn net.Conn, deadline time.Time) (net.Conn, error) {
	if a.wire != nil && a.keep() {
		_ = a.wire.Close() // the driver leaves it open where it begins again with TLS, or without
	}
	if a.wrap != nil {
		conn = a.wrap(conn)
	}
	a.wire, a.keep = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, conn.SetDeadline(deadline)
}

// failed reports whether it is over and brought nothing.
func (a *attempt) failed() bool {
	select {
	case <-a.done:
		return a.err != nil
	default:
		return false
	}
}

// take returns what an attempt that is over brought.
func (a *attempt) take() (driver.Conn, net.Conn, error) {
	if a.err == nil && !a.keep() {
		a.err = net.ErrClosed
	}
	a.end()
	return a.conn, a.wire, a.err
}

// spread makes each address of a host a host of its own. The driver goes on to the next host when one accepts and then is silent,
// but not to the next address of the same.
func spread(ctx context.Context, cfg *pq.Config, limit time.Duration) error {
	var all []pq.ConfigMultihost
	var errs []error
	for _, h := range append([]pq.ConfigMultihost{{Host: cfg.Host, Hostaddr: cfg.Hostaddr, Port: cfg.Port}}, cfg.Multi...) {
		if h.Hostaddr.IsValid() || h.Host == "" || filepath.IsAbs(h.Host) || strings.HasPrefix(h.Host, "@") {
			all = append(all, h) // an address, or a socket
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, limit)
		addresses, err := net.DefaultResolver.LookupNetIP(bounded, "ip", h.Host)
		cancel()
		errs = append(errs, err)
		for _, a := range addresses {
			all = append(all, pq.ConfigMultihost{Host: h.Host, Hostaddr: a.Unmap(), Port: h.Port})
		}
	}
	if len(all) == 0 {
		return errors.Join(errs...)
	}
	cfg.Host, cfg.Hostaddr, cfg.Port, cfg.Multi = all[0].Host, all[0].Hostaddr, all[0].Port, all[1:]
	return nil
}
