// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/url"
	"path/filepath"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// openStore opens the store that the settings name.
func openStore(ctx context.Context, v *settings.Settings) (authz.Store, error) {
	if v.PostgresURL == "" {
		store, err := sqlite.Open(ctx, sqlite.Config{Dir: v.DataDir, Migrate: v.Migrate})
		if err != nil {
			return nil, storeFailure(err)
		}
		return store, nil
	}
	config, err := postgresConfig(v)
	if err != nil {
		return nil, err
	}
	store, err := postgres.Open(ctx, config)
	if err != nil {
		return nil, storeFailure(err)
	}
	return store, nil
}

// postgresConfig puts the URL and the password together, which settings keep apart.
func postgresConfig(v *settings.Settings) (postgres.Config, error) {
	if _, _, err := settings.ReadSecret(v.PostgresPassword, v.PostgresPasswordFile); err != nil {
		return postgres.Config{}, usage("postgres-password-file: %w", err)
	}
	u, err := url.Parse(v.PostgresURL)
	if err != nil {
		return postgres.Config{}, usage("postgres-url is malformed") // unreachable: CheckServer parsed it
	}
	if !v.PostgresPassword.IsZero() {
		query := u.Query()
		query.Set("password", v.PostgresPassword.Reveal())
		u.RawQuery = query.Encode()
	}
	return postgres.Config{
		DSN: u.String(), PasswordFile: v.PostgresPasswordFile, // which is read again for each connection
		MaxConns: v.PostgresMaxConns, StatementTimeout: v.PostgresStatementTimeout, Migrate: v.Migrate,
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
	u, err := url.Parse(v.PostgresURL)
	if err != nil {
		return "Postgres"
	}
	return "Postgres at " + u.Redacted()
}
