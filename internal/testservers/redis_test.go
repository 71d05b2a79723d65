// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/testservers"
)

func TestRedisForgetsWhatItHadInMemory(t *testing.T) {
	server := testservers.Redis(t)
	for name, down := range map[string]func(){
		"stopped":   func() { server.Stop(t); server.Start(t) },
		"killed":    func() { server.Kill(t); server.Start(t) },
		"restarted": func() { server.Restart(t) },
	} {
		address := server.Addr()
		if got := say(t, server, "SET note kept"); got != "+OK" {
			t.Fatal(got)
		}
		if got := say(t, server, "EXISTS note"); got != ":1" {
			t.Fatal(got)
		}
		down()
		if got := say(t, server, "EXISTS note"); got != ":0" || server.Addr() != address {
			t.Errorf("%s: %s, at %s", name, got, server.Addr())
		}
	}
}

func TestRedisKeepsWhatItIsTold(t *testing.T) {
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"appendonly yes", "appendfsync always"}})
	say(t, server, "SET note kept")
	server.Kill(t)
	server.Start(t)
	if got := say(t, server, "EXISTS note"); got != ":1" {
		t.Error(got)
	}
}

func TestAFrozenRedisAnswersOnceItIsWoken(t *testing.T) {
	server := testservers.Redis(t)
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		answers <- line
	}()
	server.Freeze(t)
	_, _ = conn.Write([]byte("PING\r\n"))
	select {
	case answer := <-answers:
		t.Fatalf("a frozen server answered: %s", answer)
	case <-time.After(200 * time.Millisecond): // however long: a frozen server never answers
	}
	server.Thaw(t)
	if answer := <-answers; answer != "+PONG\r\n" {
		t.Error(answer)
	}
}

func TestRedisWantsItsPassword(t *testing.T) {
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"requirepass secret"}})
	if got := say(t, server, "GET note"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Error(got)
	}
}

func TestRedisLeavesNothingInTheDirectory(t *testing.T) {
	dir := publicDir(t)
	t.Setenv("TMPDIR", dir)
	for name, end := range map[string]func(*testservers.RedisServer, testing.TB){
		"running": func(*testservers.RedisServer, testing.TB) {},
		"stopped": (*testservers.RedisServer).Stop,
		"killed":  (*testservers.RedisServer).Kill,
		"frozen":  (*testservers.RedisServer).Freeze,
	} {
		t.Run(name, func(t *testing.T) { end(testservers.Redis(t), t) })
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v are left", name, err, left)
		}
	}
}

func TestRedisReplicaAndSentinel(t *testing.T) {
	master := testservers.Redis(t)
	say(t, master, "SET note kept")
	replica := testservers.RedisReplica(t, master)
	if got := say(t, replica, "EXISTS note"); got != ":1" {
		t.Error(got)
	}
	sentinel := testservers.RedisSentinel(t, "main", master, 1)
	if got := say(t, sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME main"); got != "*2" {
		t.Error(got)
	}
}

func TestRedisCluster(t *testing.T) {
	servers := testservers.RedisCluster(t, testservers.RedisOptions{})
	taken := 0
	for i := range 30 {
		answers := map[string]int{}
		for _, server := range servers {
			word, _, _ := strings.Cut(say(t, server, fmt.Sprintf("SET note%d kept", i)), " ")
			answers[word]++
		}
		if taken += answers["+OK"]; answers["-MOVED"] != 2 {
			t.Errorf("note%d: %v", i, answers)
		}
	}
	if taken != 30 {
		t.Errorf("%d of 30 were taken", taken)
	}
}

// say sends a command and returns the first line of the reply.
func say(t *testing.T, server *testservers.RedisServer, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
