// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

var member = fence.MemberID{7}

// calls are one of each session that somebody waits for, of a member that has joined.
func calls(s *postgres.Store) map[string]func(context.Context) error {
	first := authz.Revision{Seq: 1}
	return map[string]func(context.Context) error{
		"round": func(ctx context.Context) error { _, err := s.Members().Round(ctx, member, first, 10); return err },
		"since": func(ctx context.Context) error { _, err := s.History().Since(ctx, 1, 10); return err },
		"list":  func(ctx context.Context) error { _, err := s.Members().List(ctx, nil); return err },
		"ack":   func(ctx context.Context) error { return s.Members().Ack(ctx, member, first) },
	}
}

// What the backend of a session shows as its last statement.
const (
	roundsShow = "^(WITH me|SELECT seq)"
	listsShow  = "^SELECT (m.id|COALESCE)"
	acksShow   = "^UPDATE members"
	wakerShows = "^SELECT 1"
)

// backends returns the processes whose last statement matches a pattern.
func backends(t *testing.T, dsn, pattern string) (pids []int) {
	t.Helper()
	db := must(sql.Open("postgres", dsn))
	defer db.Close()
	rows, err := db.Query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ $1", pattern)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// A call of which the server says nothing any more ends with its context, each time: it is the session's own connection that is
// hung up, and no answer is waited for.
func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	proxy := proxyTo(t, server.Address())
	s := open(t, postgres.Config{DSN: by(t, dsn, proxy.Addr())})
	defer s.Close()
	joined(t, s)
	for range 40 {
		for name, call := range calls(s) {
			until(t, name, func() bool { return call(t.Context()) == nil })
		}
		proxy.Set(faultproxy.Faults{Hold: faultproxy.Both})
		for name, call := range calls(s) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			err := within(t, func() error { return call(ctx) })
			cancel()
			if authz.KindOf(err) != authz.Unavailable {
				t.Fatalf("%s: %v", name, err)
			}
		}
		proxy.Clear()
	}
}

// A host that takes connections and says nothing, or does not even take any, keeps nobody from the next one, although each call has
// less time than such a host.
func TestASilentHostDoesNotHideTheNext(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]faultproxy.Faults{"silent": {Hold: faultproxy.Both}, "gone": {Deaf: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testservers.Postgres(t)
			dsn := server.NewDatabase(t)
			proxy := proxyTo(t, server.Address())
			s := open(t, postgres.Config{DSN: by(t, dsn, proxy.Addr(), server.Address())})
			defer s.Close()
			joined(t, s)
			for name, call := range calls(s) {
				if err := call(t.Context()); err != nil {
					t.Fatal(name, err)
				}
			}
			proxy.Set(fault)
			listen(t, s)
			follows(t, s, 200*time.Millisecond)
			until(t, "the listener", func() bool { return len(backends(t, dsn, wakerShows)) > 0 })
		})
	}
}

// Nor does an address of a name that has several.
func TestASilentAddressDoesNotHideTheNext(t *testing.T) {
	server := testservers.Postgres(t)
	_, port, _ := net.SplitHostPort(server.Address())
	silent, err := net.Listen("tcp", "127.0.0.2:"+port) // nobody ever accepts, but the kernel
	if err != nil {
		t.Skip(err) // where the network of loopback is but one address
	}
	defer silent.Close()
	addresses := resolve(t, "127.0.0.1")
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: by(t, dsn, "db.test:"+port)})
	defer s.Close()
	joined(t, s)
	addresses <- "127.0.0.2 127.0.0.1"
	terminate(t, server.AdminDSN("postgres"), dsn)
	follows(t, s, 200*time.Millisecond)
}

// The time in which a connection must be good is not that in which it is used.
func TestASessionOutlivesItsStart(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn + "&connect_timeout=1"})
	defer s.Close()
	joined(t, s)
	follows(t, s, patience)
	all := func() []int {
		return slices.Concat(backends(t, dsn, roundsShow), backends(t, dsn, listsShow), backends(t, dsn, acksShow))
	}
	before := all()
	time.Sleep(1100 * time.Millisecond)
	follows(t, s, patience)
	if after := all(); len(before) != 3 || !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}

// To close is to end what is under way, and to wait for nobody.
func TestCloseWaitsForNoServer(t *testing.T) {
	t.Parallel()
	t.Run("that never answers", func(t *testing.T) {
		server := testservers.StartPostgres(t, testservers.Options{})
		s := open(t, postgres.Config{DSN: server.NewDatabase(t)})
		joined(t, s)
		follows(t, s, patience)
		server.Freeze(t)
		if err := within(t, s.Close); err != nil {
			t.Error(err)
		}
		server.Thaw(t)
	})
	t.Run("that is dialled", func(t *testing.T) {
		server := testservers.Postgres(t)
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		dsn := server.NewDatabase(t)
		proxy := proxyTo(t, server.Address())
		s := open(t, postgres.Config{DSN: by(t, dsn, proxy.Addr()) + "&connect_timeout=3600"})
		joined(t, s)
		follows(t, s, patience)
		proxy.Point(faultproxy.Route{Target: silent.Addr().String()})
		terminate(t, server.AdminDSN("postgres"), dsn)
		for name, call := range calls(s) { // which do not wait, either
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if within(t, func() error { return call(ctx) }) == nil {
				t.Errorf("%s: a silent host answered", name)
			}
			cancel()
		}
		if err := within(t, s.Close); err != nil {
			t.Error(err)
		}
		conn, err := silent.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := within(t, func() error { _, err := io.Copy(io.Discard, conn); return err }); err != nil {
			t.Log(err) // it ended
		}
	})
}

// After a failover in which the old primary lives on, and answers whoever only reads, all of a replica goes over.
func TestNothingStaysWithAnOldPrimary(t *testing.T) {
	t.Parallel()
	pair := testservers.StartPostgresPair(t, testservers.PairOptions{})
	run(t, pair.Primary().AdminDSN("postgres"), "CREATE DATABASE followed OWNER "+testservers.Role)
	proxy := proxyTo(t, pair.Primary().Address())
	s := open(t, postgres.Config{DSN: by(t, pair.Primary().DSN("followed"), proxy.Addr())})
	defer s.Close()
	joined(t, s)
	listen(t, s)
	follows(t, s, patience)
	until(t, "the listener", func() bool { return len(backends(t, pair.Primary().DSN("followed"), wakerShows)) > 0 })

	pair.Promote(t)
	proxy.Point(faultproxy.Route{Target: pair.Primary().Address()}) // for who connects anew, which nobody has to
	dsn := pair.Primary().DSN("followed")
	run(t, dsn, "INSERT INTO services VALUES ('s', 'p')")
	db := connect(t, dsn)
	var change authz.Revision
	newest := db.QueryRow("SELECT seq, tag FROM change_log ORDER BY seq DESC LIMIT 1")
	if err := newest.Scan(&change.Seq, &change.Tag); err != nil {
		t.Fatal(err)
	}
	until(t, "a list of the server that has the change", func() bool {
		roll, err := s.Members().List(t.Context(), []authz.Revision{change})
		return err == nil && roll.Held[0]
	})
	follows(t, s, time.Second) // whose round nobody confirms there
	until(t, "an acknowledgement on the new primary", func() (there bool) {
		if err := s.Members().Ack(t.Context(), member, change); err != nil {
			return false
		}
		return db.QueryRow("SELECT applied_seq = $1 FROM members", change.Seq).Scan(&there) == nil && there
	})
	until(t, "the listener on the new primary", func() bool { return len(backends(t, dsn, wakerShows)) > 0 })
}

// Where the rounds have a new connection, everything gets one.
func TestAllSessionsGoWhereTheRoundsGo(t *testing.T) {
	t.Parallel()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	joined(t, s)
	listen(t, s)
	follows(t, s, patience)
	shown := []string{roundsShow, listsShow, acksShow, wakerShows}
	before := make([]int, len(shown))
	for i, pattern := range shown {
		until(t, pattern, func() bool { return len(backends(t, dsn, pattern)) == 1 })
		before[i] = backends(t, dsn, pattern)[0]
	}
	run(t, server.AdminDSN("postgres"), "SELECT pg_terminate_backend($1, 30000)", before[0])
	for range 2 { // first among them, once, a round
		follows(t, s, patience)
	}
	for i, pattern := range shown {
		until(t, "another backend of "+pattern, func() bool {
			now := backends(t, dsn, pattern)
			return len(now) == 1 && now[0] != before[i]
		})
	}
}

// What no server has is asked for again and again, and not on a new connection each time.
func TestALostChangeCostsFewConnections(t *testing.T) {
	t.Parallel()
	dsn := testservers.Postgres(t).NewDatabase(t)
	s := open(t, postgres.Config{DSN: dsn})
	defer s.Close()
	seen := make(map[int]bool)
	begun := time.Now()
	for range 100 {
		var roll fence.Roll
		until(t, "a list", func() (read bool) { // a busy machine may take longer to connect than a session waits
			var err error
			roll, err = s.Members().List(t.Context(), []authz.Revision{{Seq: 1000}})
			return err == nil
		})
		if roll.Held[0] {
			t.Fatal("it is there")
		}
		for _, pid := range backends(t, dsn, listsShow) {
			seen[pid] = true
		}
	}
	if most := 2 + int(time.Since(begun)/time.Second); len(seen) > most {
		t.Errorf("%d connections, want %d at most", len(seen), most)
	}
}

func joined(t *testing.T, s *postgres.Store) {
	t.Helper()
	if err := s.Members().Join(t.Context(), fence.Member{ID: member, Lease: fence.MinLease}); err != nil {
		t.Fatal(err)
	}
}

// follows returns when each session has answered, to callers that have so much time.
func follows(t *testing.T, s *postgres.Store, limit time.Duration) {
	t.Helper()
	for name, call := range calls(s) {
		until(t, name, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			return within(t, func() error { return call(ctx) }) == nil
		})
	}
}

// listen listens until the test ends.
func listen(t *testing.T, s *postgres.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.History().Listen(ctx, func() {})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func proxyTo(t *testing.T, address string) *faultproxy.Proxy {
	t.Helper()
	proxy, err := faultproxy.Listen(faultproxy.Route{Target: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

// by returns a DSN with these hosts in place of its own.
func by(t *testing.T, dsn string, addresses ...string) string {
	t.Helper()
	var hosts, ports []string
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			t.Fatal(err)
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	u := must(url.Parse(dsn))
	u.Host = ""
	return with(t, u.String(), fmt.Sprintf("host=%s&port=%s", strings.Join(hosts, ","), strings.Join(ports, ",")))
}

// resolve has every name lead to addresses, and then to those that it is sent.
func resolve(t *testing.T, addresses string) chan<- string {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan string, 1)
	go func() {
		question := make([]byte, 1500)
		for {
			_, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			select {
			case addresses = <-changes:
			default:
			}
			_, _ = server.WriteTo(answer(question, strings.Fields(addresses)), from)
		}
	}()
	usual := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = usual
		_ = server.Close()
	})
	return changes
}

// answer answers a question of the Domain Name System: of IPv4 with addresses, of anything else with none.
func answer(question []byte, addresses []string) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5 // the empty label, type and class
	if question[end-3] != 1 {
		addresses = nil
	}
	a := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, byte(len(addresses)), 0, 0, 0, 0}, question[12:end]...)
	for _, address := range addresses {
		a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name that was asked for, for no time
		a = append(a, net.ParseIP(address).To4()...)
	}
	return a
}
