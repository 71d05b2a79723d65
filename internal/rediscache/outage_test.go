// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/testservers"
)

// refusing returns an address that nobody listens on.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestNobodyWaitsForAConnection opens a Cache where none can be made. No Get is late then, because none waits at all.
func TestNobodyWaitsForAConnection(t *testing.T) {
	t.Parallel()
	listening, err := net.Listen("tcp", "127.0.0.1:0") // whose connections nobody takes
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	for what, address := range map[string]string{
		"nobody listens":  refusing(t),
		"nobody accepts":  listening.Addr().String(),
		"nobody answers":  imposture(t, silent).Addr().String(),
		"nobody is named": "redis.invalid:6379",
	} {
		c := start(t, Config{Addresses: []string{address}}, usual)
		for range 100 {
			c.missed(t, aKey)
		}
		if got := c.Stats(); got.Skipped != 100 || !got.Open {
			t.Errorf("%s: %+v", what, got)
		}
		c.log.await(t, "Redis does not answer")
	}
}

// TestAGetMakesNoConnection takes the only connection away.
func TestAGetMakesNoConnection(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	n, dials := newTestNode(t, server.Addr(), patient)
	if err := n.add(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.answered()
	ctx, cancel := context.WithTimeout(t.Context(), n.budget)
	defer cancel()
	if _, err := n.get(ctx, "name"); !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	dials.hangUp()
	if _, err := n.get(ctx, "name"); err == nil || errors.Is(err, redis.Nil) {
		t.Errorf("on a connection that is no more: %v", err)
	}
	for range 3 {
		if _, err := n.get(ctx, "name"); !errors.Is(err, errNobody) {
			t.Errorf("without a connection: %v", err)
		}
	}
	if got := dials.count(); got != 1 {
		t.Errorf("%d connections were made", got)
	}
}

// TestDeadlines looks at what time a Get gives a read and a write.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	n, dials := newTestNode(t, server.Addr(), usual)
	warm(t, n)
	budget := func(d time.Duration) {
		t.Helper()
		dials.longest.Store(0)
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		_, err := n.get(ctx, "name")
		if longest := time.Duration(dials.longest.Load()); longest > d || longest <= 0 && err == nil {
			t.Errorf("a Get that has %v gives Redis %v: %v", d, longest, err)
		}
	}
	budget(n.budget)
	for range 100 { // one is enough; more, lest that be the one that was late
		budget(n.budget * 3 / 4)
		warm(t, n)
	}
}

func TestAGetThatHasNoTimeLeftHarmsNothing(t *testing.T) {
	t.Parallel()
	n, dials := newTestNode(t, testservers.Redis(t).Addr(), usual)
	warm(t, n)
	for range 2 * openAfter {
		ctx, cancel := context.WithTimeout(t.Context(), n.least/2)
		if _, err := n.get(ctx, "name"); !isTimeout(err) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	if n.isOpen() || dials.count() != 1 || len(n.ready) != 1 {
		t.Errorf("open: %v, connections: %d, ready: %d", n.isOpen(), dials.count(), len(n.ready))
	}
}

// TestHaste has nobody wait long enough to know whether the server would have answered.
func TestHaste(t *testing.T) {
	t.Parallel()
	server := imposture(t, saying(""))
	n, _ := newTestNode(t, server.Addr().String(), patient)
	ask := func(d time.Duration) {
		t.Helper()
		warm(t, n)
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if _, err := n.get(ctx, "name"); !isTimeout(err) {
			t.Errorf("%v", err)
		}
	}
	n.answered()
	n.budget = 100 * time.Millisecond
	for range 2 * openAfter {
		ask(n.budget * 6 / 10)
	}
	if n.failures.Load() != 0 {
		t.Error("the server is blamed for it")
	}
	ask(n.budget)
	if n.failures.Load() != 1 {
		t.Error("the server is not blamed for what was in time")
	}
}

func TestAFrozenServerIsAskedNoMore(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), usual)
	c.put(t, aKey, keyA, revision)
	c.full(t)

	server.Freeze(t)
	for tries := 0; !c.Stats().Open; tries++ {
		if c.missed(t, aKey); tries > 100 {
			t.Fatalf("the breaker does not open: %+v", c.Stats())
		}
	}
	// Five, and some that were late by themselves on a busy machine; without the breaker as many as there are connections.
	if got := c.Stats(); got.Timeouts >= connections {
		t.Errorf("more Gets waited than open the breaker: %+v", got)
	}
	before := c.Stats()
	for range 1000 {
		c.missed(t, aKey)
	}
	if got := c.Stats(); got.Skipped != before.Skipped+1000 {
		t.Errorf("asked all the same: %+v, then %+v", before, got)
	}
	c.Put(aSession, sessionA, revision)
	c.log.await(t, "Redis does not answer")

	server.Thaw(t)
	c.log.await(t, "Redis answers")
	until(t, func() bool { _, _, ok := c.Get(t.Context(), aKey); return ok }) // one may be late on a busy machine
}

func TestAServerThatIsKilledAndStarted(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), hasty)
	c.put(t, aKey, keyA, revision)

	var asking sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got, _, ok := c.Get(context.Background(), aKey); ok && got.Key.ID != keyA.Key.ID {
					t.Errorf("found %+v", got)
				}
				c.Put(aSession, sessionA, revision)
			}
		})
	}
	until(t, func() bool { return c.Stats().Hits > 100 })
	server.Kill(t)
	c.log.await(t, "Redis does not answer")
	server.Start(t)
	c.log.await(t, "Redis answers")
	until(t, func() bool { _, _, ok := c.Get(context.Background(), aSession); return ok })
	close(stop)
	asking.Wait()
	c.missed(t, aKey) // it was in memory
}

// TestOneLookIsEnough has all connections lead to a server that is no more, and another in its place.
func TestOneLookIsEnough(t *testing.T) {
	t.Parallel()
	n, dials := newTestNode(t, testservers.Redis(t).Addr(), patient)
	_ = n.look(t.Context())
	if n.isOpen() || len(n.ready) != connections {
		t.Fatalf("open: %v, ready: %d", n.isOpen(), len(n.ready))
	}
	dials.hangUp()
	n.trip(net.ErrClosed)
	_ = n.look(t.Context())
	if n.isOpen() || len(n.ready) != connections || int(n.live.Load()) != connections {
		t.Errorf("open: %v, ready: %d of %d", n.isOpen(), len(n.ready), n.live.Load())
	}
}

// TestARestartBetweenGets has every connection end while nobody uses it.
func TestARestartBetweenGets(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), patient)
	for range 3 {
		server.Restart(t)
		until(t, func() bool {
			c.do(job{subject: aKey, record: keyA, at: revision})
			_, _, ok := c.Get(t.Context(), aKey)
			return ok
		})
	}
}

// promptly does what must not wait for a server that is given a minute.
func promptly(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("it waits")
	}
}

// TestNobodyWaitsForACluster has nobody tell which server has what.
func TestNobodyWaitsForACluster(t *testing.T) {
	t.Parallel()
	config := imposture(t, silent).config()
	config.Mode = Cluster
	c := start(t, config, patient)
	promptly(t, func() { c.missed(t, aKey) })
	if got := c.Stats(); got.Skipped != 1 || !got.Open {
		t.Errorf("%+v", got)
	}
}

func TestClosingDoesNotWaitForRedis(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), patient)
	c.full(t)
	server.Freeze(t)
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() { c.Get(context.Background(), aKey) })
	}
	c.Put(aKey, keyA, revision)
	until(t, func() bool { return len(c.servers.(one).ready) <= connections-4 })
	promptly(t, c.Close)
	server.Thaw(t)
	waiting.Wait()
}

// TestClosingEndsDials leaves handshakes half done.
func TestClosingEndsDials(t *testing.T) {
	t.Parallel()
	server := imposture(t, silent)
	for _, mode := range []Mode{Single, Sentinel, Cluster} {
		config, before := server.config(), server.accepted.Load()
		config.Mode, config.Master, config.TLS = mode, "main", new(tls.Config)
		c := start(t, config, patient)
		until(t, func() bool { return server.accepted.Load() > before })
		promptly(t, c.Close)
	}
	life, end := context.WithCancel(t.Context())
	d := &dialer{life: life, tls: new(tls.Config)}
	before := server.accepted.Load()
	var dialling sync.WaitGroup
	dialling.Go(func() { _, _ = d.dial(context.Background(), "tcp", server.Addr().String()) })
	until(t, func() bool { return server.accepted.Load() > before })
	end()
	promptly(t, dialling.Wait)
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	log := newLogbook()
	var b breaker
	var opened atomic.Uint64
	b.init("a server", "hunter2", slog.New(log), &opened)
	bad := os.ErrDeadlineExceeded
	steps := []struct {
		what string
		do   func()
		open bool
	}{
		{"at first", func() {}, true},
		{"not proven", func() { b.failed(syscall.ECONNREFUSED) }, true},
		{"proven", b.answered, false},
		{"four failures", func() { b.failed(bad); b.failed(bad); b.failed(bad); b.failed(bad) }, false},
		{"an answer", b.answered, false},
		{"four again", func() { b.failed(bad); b.failed(bad); b.failed(bad); b.failed(bad) }, false},
		{"a fifth", func() { b.failed(bad) }, true},
		{"more", func() { b.failed(bad) }, true},
		{"an answer", b.answered, false},
		{"no connection", func() { b.trip(bad) }, true},
	}
	for _, step := range steps {
		if step.do(); b.isOpen() != step.open {
			t.Errorf("%s: open is %v", step.what, !step.open)
		}
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if len(log.lines) != 5 || opened.Load() != 3 { // does not, does, does not, does, does not
		t.Errorf("opened %d times; the log is told %q", opened.Load(), log.lines)
	}
}

// BenchmarkGetSilent is what a Get adds to a miss when Redis, from one moment to the next, says nothing any more: until the breaker
// opens, and from then on; and, for comparison, how late a timer is on this machine.
//
//	go test -run '^$' -bench GetSilent -benchtime 300x ./internal/rediscache
func BenchmarkGetSilent(b *testing.B) {
	c, proxy := silenceable(b)
	var asked, open, timer sample
	get := func() { c.missed(b, aKey) }
	for b.Loop() {
		until(b, func() bool { return !c.Stats().Open })
		c.full(b)
		proxy.Set(faultproxy.Faults{Hold: faultproxy.Both})
		for !c.Stats().Open {
			asked.measure(get)
			timer.measure(func() { <-time.NewTimer(usual.budget).C })
		}
		for range 100 {
			open.measure(get)
		}
		proxy.Clear()
	}
	b.ReportMetric(0, "ns/op") // which is mostly the waiting for Redis to be there again
	for what, took := range map[string]sample{"asked": asked, "open": open, "timer": timer} {
		took.report(b, what+"-p50-ms", 500)
		took.report(b, what+"-p99.9-ms", 999)
	}
}

// silenceable starts a Cache and a Redis that can be made to say nothing.
func silenceable(b *testing.B) (started, *faultproxy.Proxy) {
	b.Helper()
	proxy, err := faultproxy.Listen(faultproxy.Route{Target: testservers.Redis(b).Addr()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(proxy.Close)
	return start(b, Config{Addresses: []string{proxy.Addr()}}, hasty), proxy
}
