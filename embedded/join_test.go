// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// A fleet is a database with a replica of the service, and roles of guests.
type fleet struct {
	db      *postgres.Store
	service servertest.Store
	issuer  *authz.Issuer
	catalog *authz.Catalog
	dsn     string
	server  *testservers.PostgresServer
}

func newFleet(t *testing.T, server *testservers.PostgresServer) *fleet {
	t.Helper()
	f := &fleet{server: server, dsn: server.NewDatabase(t)}
	f.db = must(postgres.Open(t.Context(), postgres.Config{DSN: f.dsn, Migrate: true, MaxConns: 4}))
	f.service = servertest.Fenced(t, f.db, nil)
	t.Cleanup(func() { _ = f.service.Close() })
	f.issuer = &authz.Issuer{Store: f.service, Now: time.Now}
	f.catalog = &authz.Catalog{Store: f.service, Now: time.Now}
	return f
}

// guest returns the DSN of a new role to which has been granted what a guest needs.
func (f *fleet) guest(t *testing.T) (as string) {
	t.Helper()
	name, as := f.server.NewRole(t, f.dsn)
	db := must(sql.Open("postgres", f.dsn))
	defer db.Close()
	must(db.Exec(must(postgres.Grants(name))))
	return as
}

func (f *fleet) members(t *testing.T) int {
	t.Helper()
	return len(must(f.db.Members().List(t.Context(), nil)).Members)
}

// A replica in a gateway decides as the service does, says when it knows of a revocation, and denies from then on. Its end is heard
// of by the others at once.
func TestJoin(t *testing.T) {
	f := newFleet(t, testservers.Postgres(t))
	g := must(embedded.Join(t.Context(), embedded.JoinConfig{DSN: f.guest(t), Name: "gateway"}))
	defer g.Close()
	until(t, "it is ready", func() bool { return g.Ready(t.Context()) == nil })
	key, r := populate(t, f.issuer, f.catalog)
	allows(t, g, r, key)
	allocatesNothing(t, g, r)
	until(t, "both are members", func() bool { return f.members(t) == 2 })

	second := r
	second.Target = "/api/services/s-1/deployments"
	allows(t, g, second, key)
	revoked := must(f.issuer.Revoke(t.Context(), admin, key))
	denies(t, g, r, authz.InvalidKey)
	if revoked.Barrier != authz.Acked {
		t.Errorf("the gateway did not say that it knows: %+v", revoked.Receipt)
	}
	closed(t, g, r)
	if n := f.members(t); n != 1 {
		t.Errorf("%d members when the gateway has left", n)
	}
	if k := must(f.issuer.Get(t.Context(), key)); k.LastUsedAt.IsZero() {
		t.Error("what was used before the end was not written")
	}
}

// What a gateway has read the next one with the same entry key finds in Redis.
func TestJoinBesideRedis(t *testing.T) {
	t.Parallel()
	f, redis := newFleet(t, testservers.Postgres(t)), testservers.Redis(t)
	key, r := populate(t, f.issuer, f.catalog)
	entryKey := make([]byte, 32)
	_, _ = rand.Read(entryKey)
	registry := prometheus.NewRegistry()
	c := embedded.JoinConfig{DSN: f.guest(t), Options: embedded.Options{Metrics: registry}, Redis: &embedded.Redis{
		Addresses: []string{redis.Addr()}, EntryKeys: base64.StdEncoding.EncodeToString(entryKey),
	}}
	// Redis is not waited for, and on a machine that is busy the first may not have written, nor the second been answered.
	until(t, "something is found in Redis", func() bool {
		g := must(embedded.Join(t.Context(), c))
		until(t, "Redis is asked", func() bool { return value(t, registry, "aeroplane_authz_redis_breaker_open") == 0 })
		allows(t, g, r, key)
		found := value(t, registry, "aeroplane_authz_redis_reads_total", "hit") > 0
		until(t, "what was read is written, or lost", func() bool {
			const puts = "aeroplane_authz_redis_puts_total"
			return found || value(t, registry, puts, "done")+value(t, registry, puts, "lost") >= 3
		})
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		return found
	})
}

// Whom Postgres does not confirm any more decides nothing when its lease is over.
func TestALeaseEnds(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	f := newFleet(t, server.PostgresServer)
	key, r := populate(t, f.issuer, f.catalog)
	g := must(embedded.Join(t.Context(), embedded.JoinConfig{DSN: f.guest(t), Lease: time.Second}))
	allows(t, g, r, key)
	server.StopImmediately(t)
	until(t, "the lease is over", func() bool {
		d, err := g.Authorize(t.Context(), r)
		var why *authz.Error
		return errors.As(err, &why) && why.Code == authz.CodeLease && !d.Allowed
	})
	if err := g.Ready(t.Context()); authz.KindOf(err) != authz.Unavailable {
		t.Errorf("ready without a lease: %v", err)
	}
	if d, err := g.Authorize(t.Context(), r); err == nil {
		t.Errorf("decided after the lease: %+v", d)
	}
	server.Start(t)
	allows(t, g, r, key)
	closed(t, g, r)
}

// Whoever may do more is refused, unless that is meant, and so is what leaves this machine readable.
func TestJoinRefuses(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testservers.Postgres(t))
	for name, c := range map[string]embedded.JoinConfig{
		"a full role": {DSN: f.dsn},
		"plaintext":   {DSN: "postgres://u@192.0.2.1/authz?sslmode=disable"},
		"a lease":     {DSN: f.guest(t), Lease: time.Minute},
		"a Redis":     {DSN: f.guest(t), Redis: &embedded.Redis{Addresses: []string{"127.0.0.1:1"}}},
	} {
		if g, err := embedded.Join(t.Context(), c); authz.KindOf(err) != authz.FailedPrecondition {
			t.Errorf("%s: %v, %v", name, g, err)
		}
	}
	g := must(embedded.Join(t.Context(), embedded.JoinConfig{DSN: f.dsn, AllowFullRole: true}))
	key, r := populate(t, f.issuer, f.catalog)
	allows(t, g, r, key)
	closed(t, g, r)
}
