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
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/server"
)

// How often what runs beside the calls runs.
const (
	useInterval   = time.Minute // last-used times are written; behind time by at most this
	flushGrace    = 5 * time.Second
	sweepInterval = time.Hour
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
	store, closeStore, err := openStore(ctx, v, p, m, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
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
	uses := authz.NewUseRecorder(store, log)
	defer background(ctx, v, store, uses, log)()
	defer a.tendGarbage(ctx)()
	s := server.New(server.Config{
		Authorizer: &authz.Authorizer{Routes: p.routes, Facts: store, Used: uses.Used},
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

// background starts what runs beside the calls, and returns what ends it: last-used times are then written once more.
func background(ctx context.Context, v *settings.Settings, store *fence.Store, uses *authz.UseRecorder, log *slog.Logger) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the calls
	retention := authz.Retention{Events: v.RetainAudit, Keys: v.RetainKeys, Sessions: v.RetainSessions, RequestIDs: v.RetainRequestIDs}
	var running sync.WaitGroup
	running.Go(func() { uses.Run(ctx, useInterval, flushGrace) })
	running.Go(func() { retention.Run(ctx, store, sweepInterval, log) })
	return func() {
		cancel()
		running.Wait()
	}
}
