// SPDX-License-Identifier: Apache-2.0

package control

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// look is how often a replica looks for new orders.
const look = 2 * time.Millisecond

// A Replica is the other end: what follows the orders. The zero Replica has none. Its methods may be called at once.
type Replica struct {
	dir   string
	rules atomic.Pointer[rules]
	pace  pace

	stopping sync.Mutex // held by who stops the process, and while orders are replaced
}

// rules are orders that are being followed.
type rules struct {
	numbered
	left map[string]*atomic.Int64 // how often still, by place
	over chan struct{}            // closed when others are
}

// Obey returns what follows the orders in a directory, the first of which it follows already, until stop is called.
func Obey(dir string) (r *Replica, stop func(), err error) {
	r = &Replica{dir: dir}
	first, err := read(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := r.follow(first); err != nil {
		return nil, nil, err
	}
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { r.run(end) })
	return r, func() { close(end); running.Wait() }, nil
}

func (r *Replica) run(end <-chan struct{}) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		if n, err := read(r.dir); err == nil && n.Number != r.rules.Load().Number {
			_ = r.follow(n) // where it cannot be told, the driver waits in vain, and says so
		}
	}
}

func (r *Replica) follow(n numbered) error {
	now := &rules{numbered: n, left: make(map[string]*atomic.Int64), over: make(chan struct{})}
	for place, order := range n.Places {
		now.left[place] = new(atomic.Int64)
		now.left[place].Store(int64(order.Times))
	}
	r.pace.set(n.Rate)
	r.stopping.Lock()
	before := r.rules.Swap(now)
	r.stopping.Unlock()
	if before != nil {
		close(before.over)
	}
	return replace(filepath.Join(r.dir, obeyedFile), []byte(strconv.Itoa(n.Number)))
}

// Step is called at a place of the code, and does there what the orders say.
func (r *Replica) Step(place string) {
	now := r.rules.Load()
	if now == nil {
		return
	}
	order, ok := now.Places[place]
	if !ok || order.Times > 0 && now.left[place].Add(-1) < 0 {
		return
	}
	r.reach(place)
	switch order.Do {
	case Delay:
		timer := time.NewTimer(order.For)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-now.over:
		}
	case Hold:
		<-now.over
	case Stop:
		r.stopping.Lock()
		defer r.stopping.Unlock()
		if r.rules.Load() == now { // or the driver would not know that there is somebody to be woken
			stopHere()
		}
	case Die:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // it takes a moment, in which nothing more may be done
	}
}

// stopHere stops the process, and first of all its caller. A signal to the process would be taken by any of its threads, and
// the caller's could go on for a while.
func stopHere() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
}

func (r *Replica) reach(place string) {
	f, err := os.OpenFile(filepath.Join(r.dir, reachedFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(place + "\n") // in one piece, whoever else writes
	_ = f.Close()
}

// Ahead returns by how much the boot clock and the wall clock are ahead of the kernel's.
func (r *Replica) Ahead() (boot, wall time.Duration) {
	if now := r.rules.Load(); now != nil {
		return now.Boot, now.Wall
	}
	return 0, 0
}

// Paced returns what a clock shows that runs as fast as ordered, given one that runs as it should. It never goes back.
func (r *Replica) Paced(boot time.Duration) time.Duration { return r.pace.of(boot) }

// A pace bends a clock.
type pace struct {
	mu     sync.Mutex
	rate   float64       // guarded by mu, as the rest is; 0: that of the clock
	at, is time.Duration // when the rate was set, by the clock, and what was shown then
	last   time.Duration // what the clock said last
}

func (p *pace) set(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.is = p.reckon(p.last)
	p.at, p.rate = p.last, rate
}

func (p *pace) of(boot time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = max(p.last, boot)
	return p.reckon(p.last)
}

func (p *pace) reckon(boot time.Duration) time.Duration {
	if p.rate == 0 {
		return p.is + boot - p.at
	}
	return p.is + time.Duration(float64(boot-p.at)*p.rate)
}
