// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/netip"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server"
)

// A plan is what can be known of a server before anything is opened.
type plan struct {
	routes    *resolver.Table
	peers     []netip.Prefix // who is believed without a token
	callers   []server.Caller
	generated []tokenSource      // of the roles without configured tokens
	postgres  postgres.Config    // zero: the embedded database
	redis     *rediscache.Config // nil: none
	tls       *tls.Config        // nil: plaintext
}

// prepare checks the settings of a server and reads the files that they name. It changes nothing.
func (a *app) prepare(ctx context.Context, v *settings.Settings, log *slog.Logger) (*plan, error) {
	if err := v.CheckServer(ctx, settings.DNS); err != nil {
		return nil, usage("%w", err)
	}
	p := new(plan)
	var err error
	if p.routes, err = a.routeTable(v, io.Discard); err != nil {
		return nil, err
	}
	if p.peers, err = v.Peers(); err != nil {
		return nil, usage("%w", err)
	}
	for _, source := range tokenSources(v) {
		if !source.configured() {
			p.generated = append(p.generated, source)
			continue
		}
		callers, err := source.callers(log)
		if err != nil {
			return nil, err
		}
		p.callers = append(p.callers, callers...)
	}
	if _, err := server.NewCallers(p.callers...); err != nil {
		return nil, usage("%w", err)
	}
	if v.PostgresURL != "" {
		if p.postgres, err = postgresConfig(v, log); err != nil {
			return nil, err
		}
		if err := postgres.Check(p.postgres); err != nil {
			return nil, usage("postgres-url: %w", err)
		}
	}
	if v.Redis != "" {
		config, err := redisConfig(v, log)
		if err != nil {
			return nil, err
		}
		p.redis = &config
	}
	if v.TLSCert == "" {
		return p, nil
	}
	get, err := server.ReloadingCertificate(v.TLSCert, v.TLSKey, log)
	if err != nil {
		return nil, usage("%w", err)
	}
	p.tls = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}
	return p, nil
}

// callersWithGenerated completes the callers with the tokens in the data directory.
func (p *plan) callersWithGenerated(dataDir string) (*server.Callers, error) {
	all := p.callers
	for _, source := range p.generated {
		more, err := source.generated(dataDir)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	callers, err := server.NewCallers(all...)
	if err != nil {
		return nil, usage("%w", err)
	}
	return callers, nil
}

// logger returns the log that the settings ask for.
func logger(v *settings.Settings, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(v.LogLevel)); err != nil {
		panic(err) // the table of settings knows the same words
	}
	options := &slog.HandlerOptions{Level: level}
	if v.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
