// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
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
	listener, err := listen(ctx, v)
	if err != nil {
		return err
	}
	opsListener, err := listenOps(ctx, v)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer a.tendGarbage(ctx)()
	s := server.New(server.Config{
		Authorizer: store.Authorizer(p.routes),
		Issuer:     &authz.Issuer{Store: store, Now: time.Now},
		Catalog:    &authz.Catalog{Store: store, Now: time.Now},
		Sessions:   &authz.Sessions{Store: store, Now: time.Now},
		Audit:      &authz.Audit{Store: store},
		Callers:    callers, Ping: store.Ping, TLS: p.tls, Log: log, Observer: m,
	})
	defer serveOps(opsListener, m, s, v, log)()
	a.greet(v, p, listener.Addr(), log)
	return serveUntil(ctx, s, listener, v.ShutdownGrace, log)
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

// listen opens the door. A name that was found to mean this machine alone is held to that.
func listen(ctx context.Context, v *settings.Settings) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", v.Listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w: another process listens there; choose another with --listen", err)
		}
		return nil, usage("%w", err)
	}
	if v.TLSCert == "" && !v.InsecurePlaintext && !isLoopback(l.Addr()) {
		return nil, errors.Join(usage("%s is not loopback any more", v.Listen), l.Close())
	}
	return l, nil
}

// serveUntil answers calls until ctx ends, and then lets those that are under way finish.
func serveUntil(ctx context.Context, s *server.Server, l net.Listener, grace time.Duration, log *slog.Logger) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		cutOff, cancel := context.WithCancel(ctx)
		cancel()
		s.Drain(cutOff)
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down", "grace", grace)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	s.Drain(bounded)
	err := <-served
	log.Info("shut down")
	return err
}
