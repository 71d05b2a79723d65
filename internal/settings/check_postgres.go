// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// exposure is who could read what crosses to a database.
type exposure uint8

const (
	readableByNone exposure = iota // the database is on this machine, or behind TLS; or there is none
	readableByAll
)

// CheckPostgres refuses what CheckServer refuses of the settings for Postgres, and nothing else: it is for who needs the
// database alone. Without a postgres-url there is little to find fault with.
func (s *Settings) CheckPostgres(ctx context.Context, lookup Lookup) error {
	_, err := s.checkPostgres(ctx, lookup)
	return err
}

// checkPostgres refuses a postgres-url that holds a password, and one that sends data over the network readable.
func (s *Settings) checkPostgres(ctx context.Context, lookup Lookup) (exposure, error) {
	password := !s.PostgresPassword.IsZero() || s.PostgresPasswordFile != ""
	switch {
	case !s.PostgresPassword.IsZero() && s.PostgresPasswordFile != "":
		return 0, errors.New("postgres-password and postgres-password-file are both set: set one")
	case s.PostgresURL == "" && password:
		return 0, errors.New("a password for Postgres is set without postgres-url")
	case s.PostgresStatementTimeout <= 0:
		return 0, errors.New("postgres-statement-timeout must be longer than 0")
	case s.PostgresURL == "" && s.PostgresRequireStandby:
		return 0, errors.New("postgres-require-standby is set without postgres-url")
	case s.Lease < 500*time.Millisecond, s.Lease > 5*time.Second: // which changes rely on
		return 0, errors.New("lease must be 500ms to 5s")
	case s.PostgresURL == "":
		return readableByNone, nil
	}
	u, err := url.Parse(s.PostgresURL) // whose errors may repeat a password
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return 0, errors.New("postgres-url must be a URL such as postgres://user@host:5432/database?sslmode=verify-full")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return 0, errors.New("postgres-url has a malformed query, which is all that follows the question mark")
	}
	if _, inside := u.User.Password(); inside || query.Has("password") {
		return 0, errors.New("postgres-url holds a password, which whoever sees the URL would read: take it out, and set " +
			"the variable AEROPLANE_AUTHZ_POSTGRES_PASSWORD or postgres-password-file")
	}
	return s.exposes(ctx, lookup, u, query)
}

func (s *Settings) exposes(ctx context.Context, lookup Lookup, u *url.URL, query url.Values) (exposure, error) {
	if u.Host != "" && (query.Has("host") || query.Has("hostaddr")) || query.Has("service") {
		return 0, errors.New("postgres-url must name its host once, and no service: which of them is used is not plain to see")
	}
	hosts := cmp.Or(query.Get("hostaddr"), query.Get("host"), u.Host)
	if hosts == "" {
		return 0, errors.New("postgres-url must name a host; for a Unix socket add ?host=/the/directory")
	}
	here := true
	for host := range strings.SplitSeq(hosts, ",") {
		local, err := localServer(ctx, lookup, host)
		if err != nil {
			return 0, fmt.Errorf("postgres-url %w", err)
		}
		here = here && local
	}
	// Not left to the driver: its default may come from a variable of the environment.
	encrypted := slices.Contains([]string{"require", "verify-ca", "verify-full"}, query.Get("sslmode"))
	switch {
	case here || encrypted:
		return readableByNone, nil
	case s.InsecurePlaintext:
		return readableByAll, nil
	}
	return 0, errors.New("postgres-url names another machine and so needs sslmode=verify-full (or verify-ca, or require); " +
		"without it the password and all data may cross the network readable, which insecure-plaintext allows")
}

// localServer reports whether a host of a Postgres URL is this machine: a socket's directory, or a loopback address.
func localServer(ctx context.Context, lookup Lookup, host string) (bool, error) {
	if strings.HasPrefix(host, "/") {
		return true, nil
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return hostOnLoopback(ctx, lookup, strings.Trim(host, "[]"))
}
