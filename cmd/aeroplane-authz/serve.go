// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/replica"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/server"
)

func (a *app) serve() *cobra.Command {
	cmd := command("serve [flags]", "Run the service", noArguments, func(cmd *cobra.Command, _ []string) error {
		v, err := a.load(cmd)
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more is no reason to end
		return a.runServer(cmd.Context(), v)
	})
	cmd.Long = "Run the service until SIGTERM or an interrupt, which lets the calls that are under way finish; a second one ends it at once.\n" +
		"With nothing set it listens on loopback only, stores on an embedded database, and generates the tokens that callers need."
	return withSettings(cmd, settings.Server)
}

// runServer runs the service until ctx ends. Whatever it started has ended when it returns.
func (a *app) runServer(ctx context.Context, v *settings.Settings) (err error) {
	log := logger(v, a.stderr)
	defer surviveHangups(log)()
	defer grpcLogs.during(log)()
	p, err := a.prepare(ctx, v, log)
	if err != nil {
		return err
	}
	m := newMetrics()
	store, err := replica.Open(ctx, replicaConfig(v, p, m, log))
	if err != nil {
		return storeFailure(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	callers, err := p.callersWithGenerated(v.DataDir)
	if err != nil {
		return err
	}
	at, err := listen(ctx, v)
	if err != nil {
		return err
	}
	defer a.tendGarbage(ctx)()
	authorizer := store.Authorizer(p.routes)
	issuer, catalog := &authz.Issuer{Store: store, Now: time.Now}, &authz.Catalog{Store: store, Now: time.Now}
	syncer := &authz.Syncer{Store: store, Now: time.Now, KeepKeys: v.RetainKeys}
	console := &authz.Console{Store: store, Now: time.Now}
	s := server.New(server.Config{
		Authorizer: authorizer,
		Explainer:  &authz.Explainer{Authorizer: authorizer, Store: store},
		Issuer:     issuer,
		Catalog:    catalog,
		Syncer:     syncer,
		Sessions:   &authz.Sessions{Store: store, Now: time.Now},
		Audit:      &authz.Audit{Store: store},
		Console:    console, ConsoleURL: consoleURL(v, at.http),
		Callers: callers, Ping: store.Ping, TLS: p.tls, Log: log, Observer: m,
		RemoveCredential: v.ExtAuthzRemoveCredential,
	})
	doors := []door{{s, at.grpc}}
	if at.http != nil {
		doors = append(doors, door{server.NewHTTP(server.HTTPConfig{
			Authorizer: authorizer,
			Callers:    callers, Peers: p.peers, BaseURL: v.HTTPURL, TLS: p.tls, Log: log, Observer: m,
			Issuer: issuer, Catalog: catalog, API: s.Local(), Console: console, Follower: store,
		}), at.http})
	}
	defer serveOps(at.ops, m, s, v, log)()
	defer a.followFile(ctx, v, syncer, log)()
	a.greet(v, p, at, log)
	return serveUntil(ctx, doors, v.ShutdownGrace, log)
}

// surviveHangups answers SIGHUP, which would end the process, calls and all, with a record in the log. The result ends it.
func surviveHangups(log *slog.Logger) (end func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var running sync.WaitGroup
	running.Go(func() {
		for range hangups {
			log.Info("SIGHUP: nothing to reload; certificates reload by themselves")
		}
	})
	return func() {
		signal.Stop(hangups) // after which nothing is sent
		close(hangups)
		running.Wait()
	}
}

// A door is a server and where it listens.
type door struct {
	server interface {
		Serve(net.Listener) error
		Drain(context.Context)
	}
	at net.Listener
}

// serveUntil answers calls until ctx ends, and then lets those that are under way finish. A door that closes by itself closes all.
func serveUntil(ctx context.Context, doors []door, grace time.Duration, log *slog.Logger) error {
	served := make(chan error, len(doors))
	for _, d := range doors {
		go func() { served <- d.server.Serve(d.at) }()
	}
	var failed error
	left := len(doors)
	bounded, cancel := context.WithCancel(ctx)
	select {
	case failed = <-served:
		left--
		cancel() // what is under way is cut off
	case <-ctx.Done():
		log.Info("shutting down", "grace", grace)
		cancel()
		bounded, cancel = context.WithTimeout(context.WithoutCancel(ctx), grace)
	}
	defer cancel()
	var draining sync.WaitGroup
	for _, d := range doors {
		draining.Go(func() { d.server.Drain(bounded) })
	}
	draining.Wait()
	for range left {
		failed = errors.Join(failed, <-served)
	}
	if failed == nil {
		log.Info("shut down")
	}
	return failed
}
