// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/testservers"
)

// TestNonsenseIsNeverFound talks to servers, Sentinels and clusters that are none.
func TestNonsenseIsNeverFound(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"another protocol":      "HTTP/1.1 400 Bad Request\r\n\r\n",
		"a huge entry":          "$1000000000000\r\n",
		"a huge list":           "*1000000000000\r\n",
		"lists in lists":        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		"an empty list":         "*0\r\n",
		"a list of one":         "*1\r\n$1\r\nx\r\n",
		"a map":                 "%1000000\r\n",
		"a push":                ">2\r\n$1\r\na\r\n$1\r\nb\r\n",
		"empty lines":           "\r\n\r\n\r\n",
		"bytes":                 "\x00\xff\x16\x03\x01\x00",
		"nothing, at length":    "$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
		"yes to everything":     "+OK\r\n",
		"an empty entry":        "$0\r\n\r\n",
		"refusals":              "-ERR no\r\n",
		"a refusal of password": "-NOAUTH Authentication required.\r\n",
		"a loading server":      "-LOADING Redis is loading the dataset in memory\r\n",
		"elsewhere":             "-MOVED 1 127.0.0.1:1\r\n",
		"elsewhere, malformed":  "-MOVED \r\n",
		"elsewhere, for now":    "-ASK\r\n",
		"slots of nobody":       "*1\r\n*2\r\n:0\r\n:16383\r\n",
		"slots without end":     "*1\r\n*1\r\n:0\r\n",
		"slots below zero":      "*1\r\n*3\r\n:-9\r\n:-7\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n",
		"slots of nowhere":      "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:1\r\n",
		"slots of a port":       "*1\r\n*3\r\n:0\r\n:16383\r\n*1\r\n:1\r\n",
		"a master of many":      "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
		"a master of nowhere":   "*2\r\n$0\r\n\r\n$0\r\n\r\n",
	} {
		for _, speak := range []func(string) func(net.Conn){babbling, saying} {
			server := imposture(t, speak(text))
			for _, mode := range []Mode{Single, Sentinel, Cluster} {
				config, before := server.config(), server.accepted.Load()
				config.Mode, config.Master = mode, "main"
				c := start(t, config, hasty)
				until(t, func() bool { return server.accepted.Load() > before })
				for range 50 {
					c.missed(t, aKey)
					c.Put(aKey, keyA, revision)
				}
				if got := c.Stats(); got.Hits != 0 {
					t.Errorf("%s: %+v", what, got)
				}
				c.Close()
			}
		}
	}
}

// TestEveryReplyIsAnothers has a server that is always one reply behind, and so gives each the entry of the one before.
func TestEveryReplyIsAnothers(t *testing.T) {
	t.Parallel()
	key := newKey()
	s := newSealer(key)
	var mu sync.Mutex
	behind := "$-1\r\n"
	server := imposture(t, talking(func(conn net.Conn, get []string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = conn.Write([]byte(behind))
		entry, _ := s.seal(get[1], keyA, revision)
		behind = bulk(entry)
	}))
	config := server.config()
	config.EntryKeys = append(config.EntryKeys, key)
	c := answering(t, config, patient)
	for i := range 100 {
		c.missed(t, authz.KeySubject(authz.Digest{byte(i)}))
	}
	if got := c.Stats(); got.Rejected < 99 {
		t.Errorf("%+v", got)
	}
}

// TestALateReplyIsNobodys lets time run out in the middle of a reply. The rest of it comes when the next Get is asked.
func TestALateReplyIsNobodys(t *testing.T) {
	t.Parallel()
	key := newKey()
	s := newSealer(key)
	first, rest := make(chan net.Conn, 1), make(chan struct{})
	server := imposture(t, talking(func(conn net.Conn, get []string) {
		entry, _ := s.seal(get[1], keyA, revision)
		reply := bulk(entry)
		if get[1] == s.name(aKey) {
			_, _ = conn.Write([]byte(reply[:len(reply)/2]))
			first <- conn
			<-rest
			_, _ = conn.Write([]byte(reply[len(reply)/2:] + reply))
			return
		}
		_, _ = conn.Write([]byte(reply))
	}))
	config := server.config()
	config.EntryKeys = append(config.EntryKeys, key)
	c := answering(t, config, patient)
	c.full(t)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, ok := c.Get(ctx, aKey); ok {
		t.Error("half an entry is found")
	}
	<-first // it was in the middle
	close(rest)
	for range 2 * connections { // so that each connection is used
		c.found(t, aSession, keyA, revision)
	}
	if got := c.Stats(); got.Timeouts != 1 || got.Rejected != 0 || got.Errors != 0 {
		t.Errorf("%+v", got)
	}
}

// TestAServerThatPointsElsewhere keeps its connection, and its good name.
func TestAServerThatPointsElsewhere(t *testing.T) {
	t.Parallel()
	server := imposture(t, saying("-MOVED 1 127.0.0.1:1\r\n"))
	n, dials := newTestNode(t, server.Addr().String(), patient)
	moved := 0
	n.moved = func() { moved++ }
	warm(t, n)
	for range 2 * openAfter {
		ctx, cancel := context.WithTimeout(t.Context(), n.budget)
		if _, err := n.get(ctx, "name"); !movedOn(err) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	if moved != 2*openAfter || n.isOpen() || dials.count() != 1 {
		t.Errorf("moved: %d, open: %v, connections: %d", moved, n.isOpen(), dials.count())
	}
}

// TestAServerThatTakesNothing can still be read from.
func TestAServerThatTakesNothing(t *testing.T) {
	t.Parallel()
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"maxmemory 1", "maxmemory-policy noeviction"}})
	c := answering(t, at1(server), patient)
	c.full(t)
	for range 3 * connections {
		c.do(job{subject: aKey, record: keyA, at: revision})
		c.missed(t, aKey)
	}
	if got := c.Stats(); got.PutsLost != 3*connections || got.Misses != 3*connections || got.Open {
		t.Errorf("%+v", got)
	}

	for reply, kept := range map[string]int{
		"-OOM command not allowed when used memory > 'maxmemory'.\r\n":      1,
		"-READONLY You can't write against a read only replica.\r\n":        0, // the next connection may lead to the master
		"-NOPERM this user has no permissions to run the 'set' command\r\n": 1,
	} {
		asked := 0
		server := imposture(t, talking(func(conn net.Conn, _ []string) {
			asked++
			_, _ = conn.Write([]byte(reply))
		}))
		n, _ := newTestNode(t, server.Addr().String(), patient)
		n.interval = time.Hour
		warm(t, n)
		for range 10 {
			err := n.write(t.Context(), func(ctx context.Context, conn *redis.Conn) error { return conn.Set(ctx, "name", "", 0).Err() })
			if err == nil {
				t.Error("nothing is wrong")
			}
		}
		if asked != 1 || len(n.ready) != kept {
			t.Errorf("%q: asked %d times, %d connections are left", reply, asked, len(n.ready))
		}
	}
}

// TestAPasswordThatIsRepeated does as an old server does, which does not know HELLO.
func TestAPasswordThatIsRepeated(t *testing.T) {
	t.Parallel()
	config := imposture(t, babbling("-ERR unknown command `auth`, with args beginning with: `user`, `hunter2`, \r\n")).config()
	config.Username, config.Password = "user", secret.New("hunter2")
	for _, mode := range []Mode{Single, Sentinel, Cluster} {
		config.Mode, config.Master = mode, "main"
		c := start(t, config, patient)
		if line := c.log.await(t, "Redis does not answer"); strings.Contains(line, "hunter2") || !strings.Contains(line, "unknown command") {
			t.Errorf("%q", line)
		}
	}
}
