// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// openStore opens the database that the settings name, and puts it behind a fence, with Redis beside it if they name that.
func openStore(ctx context.Context, v *settings.Settings, p *plan, m *metrics.Metrics, log *slog.Logger) (_ *fence.Store,
	closing func() error, err error) {
	var watched metrics.Sources
	config := fence.Config{Name: replicaName(), Lease: v.Lease, Observer: m, Logger: log,
		MaxReads: max(1, v.PostgresMaxConns/2), // so that no flood of them keeps changes from a connection
	}
	if v.PostgresURL == "" {
		db, err := sqlite.Open(ctx, sqlite.Config{Dir: v.DataDir, Migrate: v.Migrate})
		if err != nil {
			return nil, nil, storeFailure(err)
		}
		config.Database, config.History = db, db.History()
		watched.Pool = db.Pool
	} else {
		db, err := postgres.Open(ctx, p.postgres)
		if err != nil {
			return nil, nil, storeFailure(err)
		}
		config.Database, config.History, config.Members = db, db.History(), db.Members()
		watched.Pool, watched.OldestSnapshot = db.Pool, db.OldestSnapshot
	}
	closeShelf := func() {}
	if p.redis != nil {
		shelf, err := rediscache.Open(*p.redis)
		if err != nil {
			return nil, nil, errors.Join(storeFailure(err), config.Database.Close())
		}
		config.Shelf, closeShelf = shelf, shelf.Close
		watched.Redis = func() metrics.RedisStats { return metrics.RedisStats(shelf.Stats()) }
	}
	store, err := fence.Open(config)
	if err != nil {
		closeShelf()
		return nil, nil, errors.Join(storeFailure(err), config.Database.Close())
	}
	watched.Store = store.Stats
	m.Watch(watched)
	return store, func() error {
		defer closeShelf()
		return store.Close()
	}, nil
}

// replicaName tells people, in the table of members, which process this is.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// postgresConfig puts the URL and the password together, which settings keep apart.
func postgresConfig(v *settings.Settings, log *slog.Logger) (postgres.Config, error) {
	if _, err := settings.ReadSecret(v.PostgresPassword, v.PostgresPasswordFile, log); err != nil {
		return postgres.Config{}, usage("postgres-password-file: %w", err)
	}
	u, err := url.Parse(v.PostgresURL)
	if err != nil {
		return postgres.Config{}, usage("postgres-url is malformed") // unreachable: checked before
	}
	if !v.PostgresPassword.IsZero() {
		query := u.Query()
		query.Set("password", v.PostgresPassword.Reveal())
		u.RawQuery = query.Encode()
	}
	return postgres.Config{
		DSN: u.String(), AllowPlaintext: v.InsecurePlaintext,
		PasswordFile: v.PostgresPasswordFile, // which is read again for each connection
		MaxConns:     v.PostgresMaxConns, StatementTimeout: v.PostgresStatementTimeout, Migrate: v.Migrate,
		RequireStandby: v.PostgresRequireStandby,
	}, nil
}

// storeFailure says why there is no store: it cannot be reached, or something is to be put right first.
func storeFailure(err error) error {
	switch authz.KindOf(err) {
	case authz.Unavailable:
		return &failure{exitUnreachable, err}
	case authz.FailedPrecondition, authz.Invalid:
		return &failure{exitUsage, err}
	}
	return &failure{exitNo, err}
}

// storeName says what the settings store on, without a secret.
func storeName(v *settings.Settings) string {
	if v.PostgresURL == "" {
		return "the embedded database in " + filepath.Clean(v.DataDir)
	}
	s, _ := settings.Named("postgres-url")
	return "Postgres at " + s.Text(v)
}
