// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"time"

	"github.com/lib/pq"

	"aeroplane.run/authz/internal/sqlstore"
)

const (
	listen = "LISTEN aeroplane_authz_change_log" // log_change notifies
	// heartbeat is how often the server is asked for a sign of life while nothing comes from it.
	heartbeat = time.Second
	// lookUnasked is how often to look while nobody would tell.
	lookUnasked = 200 * time.Millisecond
	// silence is the longest that nothing is asked although something comes all the time: a server may be told to end a session
	// that asks nothing.
	silence = 2 * heartbeat
)

// A waker listens for notifications that the log has grown. They are a hint, no more: whoever is woken reads the log.
//
// It waits for bytes of the server on the network connection itself, and lets the driver take them in later on. The driver's
// own Listener would want the DSN as a text, with the password, and its Ping waits without a bound for a server that hangs.
type waker struct{ *session }

func newWaker(src source) waker {
	s := newSession(src, purpose{})
	s.wrap = func(conn net.Conn) net.Conn { return &wire{Conn: conn, ahead: bufio.NewReader(conn)} }
	return waker{s}
}

// wire returns the connection that is listened on.
func (w waker) wire() *wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn.(*wire)
}

// run calls look whenever the server has sent something, each time that it is listened to anew, and every now and then
// while it cannot be, until ctx ends.
func (w waker) run(ctx context.Context, look func()) {
	for ctx.Err() == nil {
		_ = w.do(ctx, func(ctx context.Context, conn *sql.Conn) error {
			defer sqlstore.Discard(conn)
			return w.listen(ctx, conn, look)
		})
		look()
		timer := time.NewTimer(lookUnasked)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// listen returns when the server gives no sign of life any more, or when another may have taken its place.
func (w waker) listen(ctx context.Context, conn *sql.Conn, look func()) error {
	err := conn.Raw(func(c any) error {
		pq.SetNotificationHandler(c.(driver.Conn), func(*pq.Notification) { look() })
		return nil
	})
	if err == nil {
		err = w.ask(ctx, conn, listen)
	}
	if err != nil {
		return err
	}
	look() // what was said before nobody heard
	for asked := time.Now(); !w.outdated(); {
		came, err := w.wire().wait(heartbeat)
		if err != nil {
			return err
		}
		if came {
			look()
			if !w.wire().filling() && time.Since(asked) < silence {
				continue // a question now would be in the way of those who read the log
			}
		}
		asked = time.Now()
		if err := w.ask(ctx, conn, "SELECT 1"); err != nil { // on the way the driver takes in what has come
			return err
		}
	}
	return nil
}

// ask runs a statement, for as long as one heartbeat at most.
func (w waker) ask(ctx context.Context, conn *sql.Conn, text string) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	defer w.bound(ctx)()
	_, err := conn.ExecContext(ctx, text)
	return err
}

// A wire is a connection that can be waited on. Nobody else may read from it meanwhile. It reads ahead for itself, and hands
// out one byte at a time: a notification that the driver had read ahead, and not looked at, nobody could wait for.
type wire struct {
	net.Conn
	ahead *bufio.Reader
	told  int // of the bytes that were read ahead, how many wait has told of
}

// wait waits until there is something to read that it has not told of, and returns false if nothing came in time.
func (w *wire) wait(limit time.Duration) (bool, error) {
	if err := w.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return false, err
	}
	_, err := w.ahead.Peek(w.told + 1)
	came := err == nil
	if came {
		w.told = w.ahead.Buffered()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return came, errors.Join(err, w.SetReadDeadline(time.Time{}))
}

// filling reports whether what was read ahead should be taken in before it is waited for more.
func (w *wire) filling() bool { return w.told >= w.ahead.Size()/2 }

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.ahead.Read(b[:min(len(b), 1)])
	w.told = max(0, w.told-n)
	return n, err
}
