// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// openStore opens the store that the settings name, with the configuration for Postgres if that is it.
func openStore(ctx context.Context, v *settings.Settings, config postgres.Config) (authz.Store, error) {
	if v.PostgresURL == "" {
		store, err := sqlite.Open(ctx, sqlite.Config{Dir: v.DataDir, Migrate: v.Migrate})
		if err != nil {
			return nil, storeFailure(err)
		}
		return store, nil
	}
	store, err := postgres.Open(ctx, config)
	if err != nil {
		return nil, storeFailure(err)
	}
	return store, nil
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
