// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	maxHead  = 4 << 10
	maxPiece = 32 << 10
)

// A conn is one connection through a proxy.
type conn struct {
	proxy  *Proxy
	client *net.TCPConn
	gone   chan struct{} // closed by end

	mu     sync.Mutex
	head   []byte       // guarded by mu, as the rest is
	server *net.TCPConn // nil: not dialled yet
	over   bool         // end was called
}

// run passes everything on until both ways have ended, or the connection is reset.
func (c *conn) run() {
	defer c.proxy.remove(c)
	first, err := c.first()
	if err != nil || !c.dial() {
		c.end(abort)
		return
	}
	var down sync.WaitGroup
	down.Go(func() { c.pump(c.server, c.client, Down, nil) })
	c.pump(c.client, c.server, Up, first)
	down.Wait()
	c.end((*net.TCPConn).Close)
}

// first returns the first piece from the client if a route wants to see it.
func (c *conn) first() ([]byte, error) {
	routes := c.proxy.state.Load().routes
	if len(routes) > 0 && routes[0].Only == nil {
		return nil, nil
	}
	piece := make([]byte, maxPiece)
	n, err := c.client.Read(piece)
	c.remember(piece[:n])
	return piece[:n], err
}

// dial connects to the server that the routes lead to, and reports whether there is one.
func (c *conn) dial() bool {
	head := c.headNow()
	for _, route := range c.proxy.state.Load().routes {
		if !route.Only.matches(head) {
			continue
		}
		server, err := net.DialTimeout("tcp", route.Target, 10*time.Second)
		if err != nil {
			return false
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.server = server.(*net.TCPConn)
		if c.over {
			_ = abort(c.server)
		}
		return !c.over
	}
	return false
}

// pump passes on what comes one way, first the piece that was read already. When that way ends, the receiver is told; when
// it fails, the connection is reset.
func (c *conn) pump(from, to *net.TCPConn, way Way, piece []byte) {
	buffer := make([]byte, maxPiece)
	for {
		if piece != nil && !c.deliver(to, way, piece) {
			c.end(abort)
			return
		}
		n, err := from.Read(buffer)
		piece = buffer[:n]
		if way == Up {
			c.remember(piece)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) || !c.deliver(to, way, piece) || to.CloseWrite() != nil {
			c.end(abort)
		}
		return
	}
}

// deliver passes a piece on through the faults, and reports whether the connection lives.
func (c *conn) deliver(to *net.TCPConn, way Way, piece []byte) bool {
	f, ok := c.await(way)
	if !ok {
		return false
	}
	wait := f.Delay
	if f.Jitter > 0 {
		wait += rand.N(f.Jitter)
	}
	if f.Rate > 0 {
		wait += time.Duration(len(piece)) * time.Second / time.Duration(f.Rate)
	}
	if wait > 0 {
		if !c.pause(wait) {
			return false
		}
		if f, ok = c.await(way); !ok { // it may be held or lost by now
			return false
		}
	}
	if f.Drop&way != 0 {
		c.proxy.lost.Add(int64(len(piece)))
		return true
	}
	n, err := to.Write(piece)
	if way == Up {
		c.proxy.up.Add(int64(n))
	} else {
		c.proxy.down.Add(int64(n))
	}
	return err == nil
}

// await returns the faults of the connection once they do not hold it up, and false if it ends before.
func (c *conn) await(way Way) (Faults, bool) {
	for {
		s := c.proxy.state.Load()
		f := s.faults
		if !f.Only.matches(c.headNow()) {
			f = Faults{}
		}
		if f.Hold&way == 0 {
			return f, true
		}
		select {
		case <-s.changed:
		case <-c.gone:
			return Faults{}, false
		}
	}
}

func (c *conn) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.gone:
		return false
	}
}

func (c *conn) remember(piece []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = append(c.head, piece[:min(len(piece), maxHead-len(c.head))]...)
}

func (c *conn) headNow() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head // what is appended later is behind its end
}

// end ends the connection on both sides in the given way, and reports whether it had not ended before.
func (c *conn) end(how func(*net.TCPConn) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.over = true
	close(c.gone)
	_ = how(c.client)
	if c.server != nil {
		_ = how(c.server)
	}
	return true
}

// abort resets a connection: its other end sees at once that something went wrong, and what was under way is lost.
func abort(conn *net.TCPConn) error {
	_ = conn.SetLinger(0)
	return conn.Close()
}
