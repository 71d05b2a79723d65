// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net/url"
	"path/filepath"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/replica"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// replicaConfig returns what the settings say of the replica that a server opens doors to.
func replicaConfig(v *settings.Settings, p *plan, m *metrics.Metrics, log *slog.Logger) replica.Config {
	c := replica.Config{Redis: p.redis, Lease: v.Lease, WatchSync: true, Metrics: m, Logger: log, Retention: &authz.Retention{
		Events: v.RetainAudit, Keys: v.RetainKeys, Sessions: v.RetainSessions, RequestIDs: v.RetainRequestIDs,
	}}
	if v.PostgresURL == "" {
		c.SQLite = &sqlite.Config{Dir: v.DataDir, Migrate: v.Migrate}
	} else {
		c.Postgres = &p.postgres
	}
	return c
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
