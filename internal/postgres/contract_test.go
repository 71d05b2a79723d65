// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"crypto/rand"
	"sync/atomic"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/storetest"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// A database is one of the contract suite.
type database string

func (d database) Open(t testing.TB) authz.Store {
	t.Helper()
	return open(t, postgres.Config{DSN: string(d)})
}

func (database) Shared() bool { return true }

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("the same runs on SQLite, behind caches, and takes minutes here")
	}
	server := testservers.Postgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Database { return database(server.NewDatabase(t)) })
}

// behind is a database whose stores are behind caches, as several replicas are.
type behind struct{ database }

func (b behind) Open(t testing.TB) authz.Store {
	return servertest.Fenced(t, b.database.Open(t).(servertest.Database), nil)
}

func TestContractBehindCaches(t *testing.T) {
	if testing.Short() {
		t.Skip("the same runs on SQLite, and takes minutes here")
	}
	server := testservers.Postgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Database { return behind{database(server.NewDatabase(t))} })
}

// besideRedis is a database whose stores are behind caches, and share a Redis.
type besideRedis struct {
	database
	redis rediscache.Config
	hits  *atomic.Uint64 // records that were found in Redis
}

func (b besideRedis) Open(t testing.TB) authz.Store {
	t.Helper()
	shelf, err := rediscache.Open(b.redis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.hits.Add(shelf.Stats().Hits)
		shelf.Close()
	})
	until(t, "Redis to be asked", func() bool { return !shelf.Stats().Open })
	return servertest.FencedBeside(t, b.database.Open(t).(servertest.Database), shelf)
}

// The parts have databases of their own and one Redis, in which each has an entry key of its own: the ids are the same.
func TestContractBesideRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	server, redis := testservers.Postgres(t), testservers.Redis(t)
	var hits atomic.Uint64
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Database {
			key := make([]byte, 32)
			_, _ = rand.Read(key)
			return besideRedis{database(server.NewDatabase(t)), rediscache.Config{
				Addresses: []string{redis.Addr()}, EntryKeys: []secret.Text{secret.New(string(key))},
			}, &hits}
		})
	})
	t.Logf("%d records were found in Redis", hits.Load())
	if hits.Load() == 0 {
		t.Error("nothing was ever found in Redis")
	}
}
