// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(testservers.Runner{M: m}) }

// patient is a timing for tests of what happens, not of when: on a busy machine, too, nothing is late.
var patient = timing{budget: time.Minute, patience: time.Minute, dialling: time.Minute, interval: 5 * time.Millisecond}

// hasty is what is usual, but with a look more often.
var hasty = timing{budget: usual.budget, least: usual.least, patience: usual.patience, dialling: usual.dialling,
	interval: 5 * time.Millisecond}

// A started Cache, and what its log is told.
type started struct {
	*Cache
	log *logbook
}

func start(t testing.TB, config Config, how timing) started {
	t.Helper()
	s := started{log: newLogbook()}
	config.Logger = slog.New(s.log)
	if config.EntryKeys == nil {
		config.EntryKeys = []secret.Text{newKey()}
	}
	var err error
	if s.Cache, err = open(config, how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// answering starts a Cache and returns it when Redis answers.
func answering(t testing.TB, config Config, how timing) started {
	t.Helper()
	s := start(t, config, how)
	s.log.await(t, "Redis answers")
	return s
}

// full waits until there are as many connections as there may be, to a single server.
func (s started) full(t testing.TB) {
	t.Helper()
	until(t, func() bool { return len(s.servers.(one).ready) == connections })
}

func at1(server *testservers.RedisServer) Config { return Config{Addresses: []string{server.Addr()}} }

// put keeps a record, and returns when it is kept.
func (s started) put(t testing.TB, subject authz.Subject, r authz.Record, at authz.Revision) {
	t.Helper()
	before := s.Stats().Puts
	s.do(job{subject: subject, record: r, at: at})
	if s.Stats().Puts != before+1 {
		t.Fatalf("%v %q was not kept: %+v", subject.Kind, subject.ID, s.Stats())
	}
}

// found checks that a record is found as it was put.
func (s started) found(t testing.TB, subject authz.Subject, want authz.Record, at authz.Revision) {
	t.Helper()
	got, rev, ok := s.Get(t.Context(), subject)
	if !ok || rev != at || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %q: %v, %v, %s; %+v", subject.Kind, subject.ID, ok, rev, cmp.Diff(want, got, withoutNotes), s.Stats())
	}
}

// missed checks that no record is found.
func (s started) missed(t testing.TB, subject authz.Subject) {
	t.Helper()
	if got, rev, ok := s.Get(t.Context(), subject); ok || rev != (authz.Revision{}) || !reflect.DeepEqual(got, authz.Record{}) {
		t.Errorf("%v %q: %+v, %v", subject.Kind, subject.ID, got, rev)
	}
}

var (
	aKey     = authz.KeySubject(authz.Digest{1})
	aSession = authz.SessionSubject(authz.Digest{2})
	keyA     = examples["key for some"]
	sessionA = examples["session"]
)

func TestWhatIsPutIsFound(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	key := newKey()
	config := at1(server)
	config.EntryKeys = []secret.Text{key}
	one, two := answering(t, config, patient), answering(t, config, patient)
	for name, record := range examples {
		subject := authz.Subject{Kind: authz.OfService, ID: name}
		two.missed(t, subject)
		one.put(t, subject, record, revision)
		two.found(t, subject, record, revision)
	}
	if got, n := two.Stats(), uint64(len(examples)); got.Hits != n || got.Misses != n || got.Open {
		t.Errorf("%+v", got)
	}
	later := authz.Revision{Seq: 2000, Tag: 5}
	one.put(t, aKey, keyA, revision)
	one.put(t, aKey, sessionA, later)
	two.found(t, aKey, sessionA, later)
}

func TestPutAndDropReachRedis(t *testing.T) {
	t.Parallel()
	c := answering(t, at1(testservers.Redis(t)), patient)
	c.Put(aKey, keyA, revision)
	c.Put(aSession, sessionA, revision)
	until(t, func() bool { return c.Stats().Puts == 2 })
	c.found(t, aKey, keyA, revision)
	c.Drop([]authz.Subject{aKey, {Kind: authz.OfUser, ID: "unknown"}})
	until(t, func() bool { return c.Stats().Drops == 2 })
	c.missed(t, aKey)
	c.found(t, aSession, sessionA, revision)
}

// TestAFullQueueLoses has nobody who works the queue off.
func TestAFullQueueLoses(t *testing.T) {
	t.Parallel()
	c := &Cache{queue: make(chan job, 3)}
	for range 5 {
		c.Put(aKey, keyA, revision)
	}
	c.Drop([]authz.Subject{aKey, aSession})
	if lost, dropped := c.counts.putsLost.Load(), c.counts.dropsLost.Load(); lost != 2 || dropped != 2 {
		t.Errorf("%d puts and %d drops were lost", lost, dropped)
	}
}

func TestEntriesExpire(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), patient)
	direct := connect(t, server)
	lives := map[time.Duration]bool{}
	for n := range int64(50) {
		subject := authz.Subject{Kind: authz.OfService, ID: string(rune('a' + n))}
		c.put(t, subject, authz.Record{Parent: "p"}, revision)
		life, err := direct.PTTL(t.Context(), c.sealers[0].name(subject)).Result()
		if err != nil || life > 11*time.Minute || life < 9*time.Minute-time.Minute { // a minute to get here
			t.Errorf("%v, %v", life, err)
		}
		lives[life.Round(10*time.Second)] = true
	}
	if len(lives) < 4 {
		t.Errorf("all go at about the same time: %v", lives)
	}
}

func TestEntryKeysRotate(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	old, next := newKey(), newKey()
	with := func(keys ...secret.Text) started {
		config := at1(server)
		config.EntryKeys = keys
		return answering(t, config, patient)
	}
	before, during, after, stranger := with(old), with(next, old), with(next), with(newKey())

	before.put(t, aKey, keyA, revision)
	during.found(t, aKey, keyA, revision)
	after.missed(t, aKey)
	stranger.missed(t, aKey)

	during.put(t, aSession, sessionA, revision)
	during.found(t, aSession, sessionA, revision)
	after.found(t, aSession, sessionA, revision)
	before.missed(t, aSession)

	during.put(t, aKey, keyA, revision)
	during.do(job{subject: aKey, drop: true}) // under both keys
	before.missed(t, aKey)
	after.missed(t, aKey)
}

// TestWhoeverWritesToRedisForgesNothing does to entries what can be done without their key.
func TestWhoeverWritesToRedisForgesNothing(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), patient)
	direct := connect(t, server)
	name, other := c.sealers[0].name(aKey), c.sealers[0].name(aSession)
	entry := func(name string) string {
		t.Helper()
		text, err := direct.Get(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	set := func(name, text string) {
		t.Helper()
		if err := direct.Set(t.Context(), name, text, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	c.put(t, aKey, keyA, revision)
	c.put(t, aSession, sessionA, revision)
	sealedKey, sealedSession := entry(name), entry(other)

	rejected := c.Stats().Rejected
	for what, text := range map[string]string{
		"another's":    sealedSession,
		"damaged":      sealedKey[:30] + string(sealedKey[30]^4) + sealedKey[31:],
		"cut short":    sealedKey[:len(sealedKey)-1],
		"empty":        "",
		"nonsense":     strings.Repeat("x", 1000),
		"too large":    strings.Repeat("x", maxEntry+1),
		"all but it":   sealedKey + sealedKey,
		"unencrypted":  func() string { b, _ := encode(keyA, revision); return string(b) }(),
		"next version": string(sealedKey[0]+1) + sealedKey[1:],
	} {
		set(name, text)
		c.missed(t, aKey)
		if rejected++; c.Stats().Rejected != rejected {
			t.Errorf("%s: not counted as rejected: %+v", what, c.Stats())
		}
	}
	if err := direct.Del(t.Context(), name).Err(); err != nil {
		t.Fatal(err)
	}
	if err := direct.LPush(t.Context(), name, "a list").Err(); err != nil {
		t.Fatal(err)
	}
	c.missed(t, aKey)
	c.found(t, aSession, sessionA, revision) // all that was on other connections

	// What can be done is to bring back what was true once. It says when, and whoever gets it looks at that.
	later := authz.Revision{Seq: revision.Seq + 1, Tag: 7}
	c.put(t, aKey, sessionA, later)
	c.found(t, aKey, sessionA, later)
	set(name, sealedKey)
	c.found(t, aKey, keyA, revision)
}

// TestNothingShowsInRedis looks through all that is there.
func TestNothingShowsInRedis(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	c := answering(t, at1(server), patient)
	digest := authz.Digest([]byte("0123456789abcdef0123456789abcdef"))
	c.put(t, authz.SessionSubject(digest), authz.Record{Session: &authz.Session{Digest: digest, UserID: "somebody"}}, revision)
	c.put(t, authz.Subject{Kind: authz.OfService, ID: "a-service"}, authz.Record{Parent: "a-project"}, revision)
	direct := connect(t, server)
	names, err := direct.Keys(t.Context(), "*").Result()
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		entry, err := direct.Get(t.Context(), name).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(digest[:]), "somebody", "a-service", "a-project"} {
			if strings.Contains(name, text) || bytes.Contains(entry, []byte(text)) {
				t.Errorf("%q shows in %q: %q", text, name, entry)
			}
		}
	}
}

func TestAClosedCacheIsEmpty(t *testing.T) {
	t.Parallel()
	c := answering(t, at1(testservers.Redis(t)), patient)
	c.put(t, aKey, keyA, revision)
	c.Close()
	c.Put(aKey, keyA, revision)
	c.Drop([]authz.Subject{aKey})
	c.missed(t, aKey)
}

// BenchmarkGet is a Get that finds something, through loopback.
func BenchmarkGet(b *testing.B) {
	c := answering(b, at1(testservers.Redis(b)), usual)
	c.put(b, aKey, keyA, revision)
	c.full(b)
	get := func(b *testing.B) {
		if _, _, ok := c.Get(context.Background(), aKey); !ok && c.Stats().Timeouts == 0 {
			b.Errorf("%+v", c.Stats())
		}
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get(b)
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get(b)
			}
		})
	})
	if timeouts := c.Stats().Timeouts; timeouts > 0 {
		b.Logf("%d of %d had no answer in time", timeouts, timeouts+c.Stats().Hits)
	}
}

// connect returns a client of Redis' own.
func connect(t testing.TB, server *testservers.RedisServer) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// until waits for what others do.
func until(t testing.TB, done func() bool) {
	t.Helper()
	tick, enough := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-enough:
			t.Fatal("waited in vain")
		}
	}
}

// A logbook is a log that tests can wait for.
type logbook struct {
	mu    sync.Mutex
	lines []string      // guarded by mu, as more
	more  chan struct{} // closed when there is one more
}

func newLogbook() *logbook { return &logbook{more: make(chan struct{})} }

// Enabled, WithAttrs and WithGroup implement slog.Handler: all is kept.
func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

// Handle implements slog.Handler.
func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	close(l.more)
	l.more = make(chan struct{})
	return nil
}

// await waits for a line with a text that no one waited for before, and returns it.
func (l *logbook) await(t testing.TB, text string) string {
	t.Helper()
	for {
		l.mu.Lock()
		lines, more := l.lines, l.more
		for i, line := range lines {
			if strings.Contains(line, text) {
				l.lines = lines[i+1:]
				l.mu.Unlock()
				return line
			}
		}
		l.mu.Unlock()
		select {
		case <-more:
		case <-time.After(time.Minute):
			t.Fatalf("the log says nothing of %q: %q", text, lines)
		}
	}
}
