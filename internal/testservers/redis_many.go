// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// RedisCluster starts a cluster of three masters, each with a third of the slots, and returns when all agree on that.
func RedisCluster(t testing.TB, o RedisOptions) []*RedisServer {
	t.Helper()
	var nodes []*RedisServer
	var buses []int
	for range 3 {
		bus, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		own := o
		own.Config = append([]string{"cluster-enabled yes", "cluster-node-timeout 2000", "cluster-require-full-coverage no",
			fmt.Sprintf("cluster-port %d", bus)}, o.Config...)
		nodes, buses = append(nodes, StartRedis(t, own)), append(buses, bus)
	}
	const slots = 16384
	for i, node := range nodes {
		node.must(t, fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1))
		node.must(t, fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*slots/len(nodes), (i+1)*slots/len(nodes)-1))
		host, port, _ := strings.Cut(node.address, ":")
		nodes[0].must(t, fmt.Sprintf("CLUSTER MEET %s %s %d", host, port, buses[i]))
	}
	for _, node := range nodes {
		node.until(t, "CLUSTER INFO", "cluster_state:ok", fmt.Sprintf("cluster_slots_assigned:%d", slots),
			fmt.Sprintf("cluster_size:%d", len(nodes)))
	}
	return nodes
}

// RedisReplica starts a replica of a server, and returns when it has what the server has.
func RedisReplica(t testing.TB, master *RedisServer) *RedisServer {
	t.Helper()
	replica := StartRedis(t, RedisOptions{Config: []string{"replicaof " + strings.ReplaceAll(master.address, ":", " ")}})
	replica.until(t, "INFO replication", "master_link_status:up")
	return replica
}

// RedisSentinel starts a Sentinel that watches over a master by a name, and alone decides to replace it after half a
// second. It returns when the Sentinel knows the given number of replicas.
func RedisSentinel(t testing.TB, name string, master *RedisServer, replicas int) *RedisServer {
	t.Helper()
	sentinel := StartRedis(t, RedisOptions{sentinel: true, Config: []string{
		"sentinel monitor " + name + " " + strings.ReplaceAll(master.address, ":", " ") + " 1",
		"sentinel down-after-milliseconds " + name + " 500",
		"sentinel failover-timeout " + name + " 5000",
	}})
	sentinel.until(t, "INFO sentinel", fmt.Sprintf("slaves=%d", replicas))
	return sentinel
}

// must sends a command that must succeed.
func (s *RedisServer) must(t testing.TB, command string) {
	t.Helper()
	if answer, err := s.do(command); err != nil || !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("%s: %q, %v", command, answer, err)
	}
}

// until sends a command until its reply holds all of the words.
func (s *RedisServer) until(t testing.TB, command string, words ...string) {
	t.Helper()
	var answer string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		answer, _ = s.do(command)
		missing := 0
		for _, word := range words {
			if !strings.Contains(answer, word) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
	t.Fatalf("%s: waited in vain for %v: %q", command, words, answer)
}
