// SPDX-License-Identifier: Apache-2.0

// Package cluster runs the whole system on this machine: replicas of the service as processes, Postgres with a synchronous
// standby, Redis, and between all of them proxies that can be told to fail.
//
// Begin with Start, do what harm you like to the parts, and Heal makes it whole again.
package cluster

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/testservers"
)

// database is the name of the database.
const database = "authz"

// Options say what to run.
type Options struct {
	// Binary is the path of the program that is tried, and Earlier that of an earlier version of it.
	Binary, Earlier string
	// Replicas is how many, at least one.
	Replicas int
	// Lease is what each replica is told.
	Lease time.Duration
	// Dir is a directory that nobody else uses.
	Dir string
}

// A Cluster is a running system. Its methods are for one goroutine at a time, but for Admin, Inside and Exec.
type Cluster struct {
	Options
	Postgres *testservers.PostgresPair
	// Link is between the primary and its standby.
	Link  *faultproxy.Proxy
	Redis *testservers.RedisServer
	// Replicas are never fewer than they were at the start.
	Replicas []*Replica

	failedOver bool // the other server is no standby of the primary

	mu     sync.Mutex
	admins map[string]*sql.DB // by DSN; guarded by mu
}

// Start starts a system that ends with the test, and returns when every replica serves.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{Options: o, admins: make(map[string]*sql.DB)}
	c.Link = proxy(t)
	c.Postgres = testservers.StartPostgresPair(t, testservers.PairOptions{
		Settings: map[string]string{"log_min_messages": "warning"},
		Link: func(primary string) string {
			c.Link.Point(faultproxy.Route{Target: primary})
			return c.Link.Addr()
		},
	})
	c.Redis = testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"enable-debug-command yes"}})
	t.Cleanup(func() {
		for _, db := range c.admins {
			_ = db.Close()
		}
	})
	c.Exec(t, c.Postgres.Primary(), "CREATE DATABASE "+database+" OWNER "+testservers.Role)
	for range o.Replicas {
		c.AddReplica(t).Start(t)
	}
	c.awaitReplicas(t)
	return c
}

// AddReplica makes one more replica, which does not run yet.
func (c *Cluster) AddReplica(t testing.TB) *Replica {
	t.Helper()
	r := newReplica(t, c, len(c.Replicas))
	c.Replicas = append(c.Replicas, r)
	r.lead(c)
	return r
}

// Promote makes the standby the primary, whatever the former primary does, and leads new connections of every replica there.
// Those that there are stay where they are.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	c.Postgres.Promote(t)
	c.failedOver = true
	for _, r := range c.Replicas {
		r.lead(c)
	}
}

// Rebuild makes the other server a standby of the primary again, whatever it was.
func (c *Cluster) Rebuild(t testing.TB) {
	t.Helper()
	c.Postgres.Rebuild(t)
	c.failedOver = false
}

// Heal makes everything as it was at the start. It does not wait until the replicas serve.
func (c *Cluster) Heal(t testing.TB) {
	t.Helper()
	c.Link.Clear()
	c.healPostgres(t)
	c.healRedis(t)
	for _, r := range c.Replicas {
		r.heal(t, c)
	}
}

func (c *Cluster) healPostgres(t testing.TB) {
	t.Helper()
	primary, standby := c.Postgres.Primary(), c.Postgres.Standby()
	wake(t, primary)
	wake(t, standby)
	if !primary.Running() {
		primary.Start(t)
	}
	// The standby first: with a name that nobody bears no commit ends.
	if c.failedOver || !standby.Running() {
		c.Rebuild(t)
	}
	primary.Configure(t, "synchronous_standby_names", "standby")
	c.Postgres.AwaitSync(t)
}

func wake(t testing.TB, server *testservers.PostgresProcess) {
	if server.Running() {
		server.Thaw(t)
	}
}

func (c *Cluster) healRedis(t testing.TB) {
	if !c.Redis.Running() {
		c.Redis.Start(t)
	}
	c.Redis.Thaw(t)
}

func (c *Cluster) awaitReplicas(t testing.TB) {
	t.Helper()
	for _, r := range c.Replicas[:c.Options.Replicas] {
		if err := r.Ready(t.Context(), time.Minute); err != nil {
			t.Fatalf("replica %d does not serve: %v\n%s", r.Number, err, r.LastWords())
		}
	}
}

// Admin returns a pool of connections to a server, past all proxies, as a superuser.
func (c *Cluster) Admin(t testing.TB, server *testservers.PostgresProcess) *sql.DB {
	return c.pool(t, server, "postgres")
}

// Inside is Admin in the database of the service.
func (c *Cluster) Inside(t testing.TB, server *testservers.PostgresProcess) *sql.DB {
	return c.pool(t, server, database)
}

func (c *Cluster) pool(t testing.TB, server *testservers.PostgresProcess, name string) *sql.DB {
	t.Helper()
	dsn := server.AdminDSN(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if db, ok := c.admins[dsn]; ok {
		return db
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	c.admins[dsn] = db
	return db
}

// Exec runs a statement on a server as a superuser.
func (c *Cluster) Exec(t testing.TB, server *testservers.PostgresProcess, statement string) {
	t.Helper()
	if _, err := c.Admin(t, server).ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// proxy opens a proxy that leads nowhere yet, and closes with the test.
func proxy(t testing.TB) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// give writes a file that only we may read.
func give(t testing.TB, dir, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var errEnded = fmt.Errorf("the process ended")

const (
	freeze = syscall.SIGSTOP
	thaw   = syscall.SIGCONT
)
