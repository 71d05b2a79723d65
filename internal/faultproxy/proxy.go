// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// A Proxy passes connections to its port on to a server. Its methods may be called at any time, and what they change
// holds for everything that is sent after they have returned.
type Proxy struct {
	listener       *net.TCPListener
	running        sync.WaitGroup
	up, down, lost atomic.Int64
	state          atomic.Pointer[state]

	mu       sync.Mutex
	conns    map[*conn]struct{} // guarded by mu, as the rest is
	accepted int
	closed   bool
}

// A state is what the proxy does now. It is replaced whole.
type state struct {
	routes  []Route
	faults  Faults
	changed chan struct{} // closed when it is replaced
}

// Listen opens a proxy on a free loopback port. Connections take the first route that chooses them, and are reset if none
// does.
func Listen(routes ...Route) (*Proxy, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // whose sockets take no filter
	l, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l.(*net.TCPListener), conns: make(map[*conn]struct{})}
	p.state.Store(&state{routes: routes, changed: make(chan struct{})})
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns the host and port to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Set puts faults in place of those that were, for the connections that there are and for new ones.
func (p *Proxy) Set(f Faults) { p.change(func(s *state) { s.faults = f }) }

// Clear ends all faults: what was held is delivered.
func (p *Proxy) Clear() { p.Set(Faults{}) }

// Point leads new connections elsewhere. Those that there are stay where they lead; Cut moves them, by making their clients
// connect again.
func (p *Proxy) Point(routes ...Route) { p.change(func(s *state) { s.routes = routes }) }

// Cut resets the connections that m chooses, both ends, and returns how many. Nothing that was under way arrives.
func (p *Proxy) Cut(m Match) int {
	n := 0
	for _, c := range p.all() {
		if m.matches(c.headNow()) && c.end(abort) {
			n++
		}
	}
	return n
}

// Count returns what was seen until now.
func (p *Proxy) Count() Count {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Count{Open: len(p.conns), Accepted: p.accepted, Up: p.up.Load(), Down: p.down.Load(), Lost: p.lost.Load()}
}

// Close closes the port and resets all connections. Nothing of the proxy runs any more when it returns.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut(nil)
	p.running.Wait()
}

func (p *Proxy) change(edit func(*state)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.state.Load()
	s := &state{routes: old.routes, faults: old.faults, changed: make(chan struct{})}
	edit(s)
	p.state.Store(s)
	close(old.changed)
	if s.faults.Deaf != old.faults.Deaf {
		deafen(p.listener, s.faults.Deaf)
		for c := range p.conns {
			deafen(c.client, s.faults.Deaf)
		}
	}
}

func (p *Proxy) all() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*conn, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	return all
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		c := &conn{proxy: p, client: client.(*net.TCPConn), gone: make(chan struct{})}
		if p.add(c) {
			p.running.Go(c.run)
		} else {
			c.end(abort)
		}
	}
}

// add takes a connection in, unless it is to be refused.
func (p *Proxy) add(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted++
	if p.closed || p.state.Load().faults.Refuse {
		return false
	}
	p.conns[c] = struct{}{}
	deafen(c.client, p.state.Load().faults.Deaf) // it may have inherited what has ended since
	return true
}

func (p *Proxy) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
