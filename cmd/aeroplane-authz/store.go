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
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// openStore opens the database that the settings name, and puts it behind a fence.
func openStore(ctx context.Context, v *settings.Settings, p *plan, log *slog.Logger) (*fence.Store, error) {
	config := fence.Config{Name: replicaName(), Logger: log}
	if v.PostgresURL == "" {
		db, err := sqlite.Open(ctx, sqlite.Config{Dir: v.DataDir, Migrate: v.Migrate})
		if err != nil {
			return nil, storeFailure(err)
		}
		config.Database, config.History = db, db.History()
	} else {
		db, err := postgres.Open(ctx, p.postgres)
		if err != nil {
			return nil, storeFailure(err)
		}
		config.Database, config.History, config.Members = db, db.History(), db.Members()
	}
	store, err := fence.Open(config)
	if err != nil {
		return nil, errors.Join(storeFailure(err), config.Database.Close())
	}
	return store, nil
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
