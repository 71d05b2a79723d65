// SPDX-License-Identifier: Apache-2.0

// Package servertest runs the whole service inside a test: a real store, the real domain, a real listener on loopback,
// and clients with a token of each role.
package servertest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server"
)

// Options say what to run. Only Store is required.
type Options struct {
	// Store is closed when the test ends. A database is put behind a fence, as in the service.
	Store authz.Store
	// Now is the clock of the service. Nil: the system's. Expiry on Postgres goes by the clock of Postgres.
	Now func() time.Time
	// Routes is the route table. Nil: the default one.
	Routes *resolver.Table
	// Ping is what health depends on. Nil: Store's.
	Ping func(context.Context) error
	// Log is where the server logs to. Nil: nowhere.
	Log *slog.Logger
	// Observer is the server's. Nil: there is none.
	Observer server.Observer
	// GatewayToken is the token of the role gateway, for several services that pass for replicas. Empty: one that no other has.
	GatewayToken string
	// RemoveCredential is the server's.
	RemoveCredential bool
	// Peers are those that are believed over HTTP. Nil: all of this machine.
	Peers []netip.Prefix
	// BaseURL is that of the server over HTTP.
	BaseURL string
	// AdminName is the name of the administrator's token. Empty: "test".
	AdminName string
	// AdminToken is that token, for several services that pass for replicas. Empty: one that no other has.
	AdminToken string
}

// Running is a service that runs until the test ends.
type Running struct {
	Server   *server.Server
	HTTP     *server.HTTPServer
	Addr     string // host and port
	HTTPAddr string // the same, for gateways that ask over HTTP
	// Admin and Gateway are connections whose calls carry the token of the role.
	Admin, Gateway           *grpc.ClientConn
	AdminToken, GatewayToken string
	// Served is closed when the server's Serve has returned.
	Served <-chan struct{}
	// Uses holds the last-used times that are not written yet. Nothing but the test flushes it.
	Uses *authz.UseRecorder
}

// Start runs the service, whose callers are both named "test", unless the options name the administrator otherwise.
func Start(t testing.TB, o Options) *Running {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Routes == nil {
		o.Routes = resolver.Default()
	}
	store, ok := o.Store.(Store)
	if !ok {
		store = Fenced(t, o.Store.(Database), o.Now)
	}
	if o.Ping == nil {
		o.Ping = store.Ping
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Running{
		AdminToken: o.AdminToken, GatewayToken: o.GatewayToken,
		Uses: authz.NewUseRecorder(store, o.Log),
	}
	if r.GatewayToken == "" {
		r.GatewayToken = rand.Text() + rand.Text()
	}
	if r.AdminToken == "" {
		r.AdminToken = rand.Text() + rand.Text()
	}
	if o.AdminName == "" {
		o.AdminName = "test"
	}
	authorizer := &authz.Authorizer{Routes: o.Routes, Facts: store, Used: r.Uses.Used}
	callers := callers(t, r, o.AdminName)
	console := &authz.Console{Store: store, Now: o.Now}
	at := [2]net.Listener{listen(t), listen(t)} // before the servers are made, one of which says where the other is
	r.Addr, r.HTTPAddr = at[0].Addr().String(), at[1].Addr().String()
	if o.Peers == nil {
		o.Peers = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	r.Server = server.New(server.Config{
		Authorizer: authorizer,
		Explainer:  &authz.Explainer{Authorizer: authorizer, Store: store},
		Issuer:     &authz.Issuer{Store: store, Now: o.Now},
		Catalog:    &authz.Catalog{Store: store, Now: o.Now},
		Syncer:     &authz.Syncer{Store: store, Now: o.Now},
		Sessions:   &authz.Sessions{Store: store, Now: o.Now},
		Audit:      &authz.Audit{Store: store},
		Console:    console,
		ConsoleURL: "http://" + r.HTTPAddr,
		Callers:    callers,
		Ping:       o.Ping,
		Log:        o.Log,
		Observer:   o.Observer,

		RemoveCredential: o.RemoveCredential,
	})
	r.HTTP = server.NewHTTP(server.HTTPConfig{
		Authorizer: authorizer, Callers: callers, Peers: o.Peers, BaseURL: o.BaseURL, Log: o.Log, Observer: o.Observer,
		Issuer:  &authz.Issuer{Store: store, Now: o.Now},
		Catalog: &authz.Catalog{Store: store, Now: o.Now},
		API:     r.Server.Local(), Console: console, Follower: store,
	})
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	r.Served = serve(t, r.Server, at[0])
	serve(t, r.HTTP, at[1])
	r.Admin, r.Gateway = r.Dial(t, r.AdminToken), r.Dial(t, r.GatewayToken)
	return r
}

// A Store is one that decisions can be made on.
type Store interface {
	authz.Store
	authz.FactStore
	authz.Follower
}

// A Database is a store that keeps a history.
type Database interface {
	authz.Store
	History() fence.Log
	Members() fence.Members
}

// Fenced puts a database behind a fence. What expires does so by now, or on Postgres by the clock of Postgres.
func Fenced(t testing.TB, db Database, now func() time.Time) Store {
	t.Helper()
	return fenced(t, db, fence.Config{Wall: now})
}

// FencedBeside is Fenced with a shelf. Nil: there is none.
func FencedBeside(t testing.TB, db Database, shelf fence.Shelf) Store {
	t.Helper()
	return fenced(t, db, fence.Config{Shelf: shelf})
}

func fenced(t testing.TB, db Database, c fence.Config) Store {
	t.Helper()
	c.Database, c.History, c.Members, c.Name = db, db.History(), db.Members(), t.Name()
	s, err := fence.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func callers(t testing.TB, r *Running, admin string) *server.Callers {
	t.Helper()
	admins, err := server.ParseCallers(authz.CallerRoleAdmin, admin+" "+r.AdminToken)
	if err != nil {
		t.Fatal(err)
	}
	gateways, err := server.ParseCallers(authz.CallerRoleGateway, "test "+r.GatewayToken)
	if err != nil {
		t.Fatal(err)
	}
	all, err := server.NewCallers(append(admins, gateways...)...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A door is a server that can be ended.
type door interface {
	Serve(net.Listener) error
	Drain(context.Context)
}

// listen listens on a free port.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve answers on l until the test ends. The result is closed when Serve has returned.
func serve(t testing.TB, d door, l net.Listener) (served <-chan struct{}) {
	t.Helper()
	done := make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		failed = d.Serve(l)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		d.Drain(ctx)
		if <-done; failed != nil {
			t.Errorf("serve: %v", failed)
		}
	})
	return done
}

// Dial returns a connection that lasts until the test ends. Its calls carry the token, unless that is empty.
func (r *Running) Dial(t testing.TB, token string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(token)))
	}
	conn, err := grpc.NewClient("passthrough:///"+r.Addr, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A bearer is a token that is put into each call. Tests are on loopback and need no encryption.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }
