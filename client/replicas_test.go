// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/resolver"

	"aeroplane.run/authz"
	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// A replica counts what it has decided.
type replica struct {
	*servertest.Running
	decided atomic.Int64
	broken  atomic.Bool // its database is away
}

func (r *replica) Decided(authz.Reason, time.Duration) { r.decided.Add(1) }
func (r *replica) Undecided(string)                    {}
func (r *replica) Changed(string, string)              {}

// replicas runs several services with one token, and returns a client of all of them. They do not know each other.
func replicas(t *testing.T, n int) (*client.Client, []*replica) {
	t.Helper()
	all := make([]*replica, n)
	addresses := make([]string, n)
	for i := range all {
		r := new(replica)
		r.Running = start(t, servertest.Options{Observer: r, GatewayToken: token, Ping: func(context.Context) error {
			if r.broken.Load() {
				return errors.New("the database is away")
			}
			return nil
		}})
		all[i], addresses[i] = r, r.Addr
	}
	return connect(t, client.Config{Target: strings.Join(addresses, ","), Token: client.NewSecret(token), Timeout: 10 * time.Second}), all
}

// ask asks some questions that anybody may, and fails on any that is not answered.
func ask(t *testing.T, c *client.Client, times int) {
	t.Helper()
	for range times {
		answer, err := c.Authorize(t.Context(), &authzv1.AuthorizeRequest{Method: "GET", Path: "/api/health"})
		if err != nil || !answer.Allowed {
			t.Fatalf("%v, %v", answer, err)
		}
	}
}

// soon waits for something that takes a moment.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for ends := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(ends) {
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

// decides reports whether a replica has had a part in some more questions, all of which are answered.
func decides(t *testing.T, c *client.Client, r *replica) bool {
	t.Helper()
	before := r.decided.Load()
	ask(t, c, 10)
	return r.decided.Load() > before
}

// Questions go to the replicas in turn, and past one that says that it does not serve: none is lost.
func TestReplicas(t *testing.T) {
	c, all := replicas(t, 2)
	first, second := all[0], all[1]
	soon(t, "both are asked", func() bool { return decides(t, c, first) && decides(t, c, second) })
	before, beforeThat := first.decided.Load(), second.decided.Load()
	ask(t, c, 100)
	if a, b := first.decided.Load()-before, second.decided.Load()-beforeThat; a != 50 || b != 50 {
		t.Errorf("of 100 questions %d and %d were answered", a, b)
	}

	first.broken.Store(true)
	soon(t, "the first is passed over", func() bool { return !decides(t, c, first) })
	first.broken.Store(false)
	soon(t, "the first is asked again", func() bool { return decides(t, c, first) })

	second.Server.Drain(t.Context())
	ask(t, c, 100)
	if !decides(t, c, first) || decides(t, c, second) {
		t.Error("a replica that has ended was asked")
	}
}

// A resolver, as that of DNS is, has no say in how calls are made: here its word would end all of them at once.
func TestResolversDoNotConfigureCalls(t *testing.T) {
	const scheme = "client-test"
	resolver.Register(configuring{scheme, listenAs(t, yes(nil))})
	c := connect(t, client.Config{Target: scheme + ":///a", Token: client.NewSecret(token), InsecurePlaintext: true})
	ask(t, c, 1)
}

// configuring resolves everything to one address, and says how to call it.
type configuring struct{ scheme, address string }

func (c configuring) Scheme() string                      { return c.scheme }
func (configuring) ResolveNow(resolver.ResolveNowOptions) {}
func (configuring) Close()                                {}
func (c configuring) Build(_ resolver.Target, to resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	return c, to.UpdateState(resolver.State{
		Addresses:     []resolver.Address{{Addr: c.address}},
		ServiceConfig: to.ParseServiceConfig(`{"methodConfig": [{"name": [{}], "timeout": "0.000000001s"}]}`),
	})
}

// With no replica that serves, questions fail at once, long before their time is over.
func TestNoReplicaServes(t *testing.T) {
	c, all := replicas(t, 1)
	ask(t, c, 1)
	all[0].broken.Store(true)
	soon(t, "it says that nobody serves", func() bool {
		_, err := c.Authorize(t.Context(), &authzv1.AuthorizeRequest{Method: "GET", Path: "/api/health"})
		return err != nil && strings.Contains(err.Error(), "NOT_SERVING")
	})
}
