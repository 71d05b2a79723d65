// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/internal/checkup"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/server"
)

// checkUpConfig says what the settings mean, as serve reads them, and how to call the service, as health does.
func (a *app) checkUpConfig(v *settings.Settings) checkup.Config {
	silent := slog.New(slog.DiscardHandler) // what the log would be told, the report tells
	this := thisBuild()
	c := checkup.Config{
		Settings: v, Usable: usable,
		Build:    checkup.Build{Version: this.Version, Commit: this.Commit},
		Postgres: func() (postgres.Config, error) { return postgresConfig(v, silent) },
		Redis:    func() (rediscache.Config, error) { return redisConfig(v, silent) },
		Parts:    append(a.partsOf(v, silent), tokenParts(v, silent)...),
	}
	if at, err := time.Parse(time.RFC3339, this.Time); err == nil {
		c.Build.Time = at
	}
	if v.OpsListen != settings.Off && !strings.HasSuffix(v.OpsListen, ":0") {
		c.Ops, _ = reachable(v.OpsListen) // whose fault is one of the settings
	}
	called := *v
	pinned, err := ownServer(&called)
	if err != nil {
		return c // as well
	}
	c.Parts = append(c.Parts, checkup.Part{Do: "Correct it: docs/configuration.md says what the commands refuse.", Load: func() (string, error) {
		return "", called.CheckClient(context.Background(), settings.DNS)
	}})
	if called.CheckClient(context.Background(), settings.DNS) != nil {
		return c
	}
	c.Address = called.Address
	c.Connect = func(ctx context.Context, asAdmin bool) (*grpc.ClientConn, error) {
		as := nobody
		if asAdmin {
			as = admin
		}
		token, err := tokenFor(&called, as, silent)
		if err != nil {
			return nil, err
		}
		conn, err := dial(&called, as, token, pinned)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
	return c
}

// partsOf are what serve makes of its settings, but for tokens.
func (a *app) partsOf(v *settings.Settings, silent *slog.Logger) []checkup.Part {
	return []checkup.Part{
		{Do: "Correct the table: `aeroplane-authz routes check` tells the lines.", Load: func() (string, error) {
			if v.Routes == "-" {
				return "", nil // which is told as a fault of the settings
			}
			table, err := a.routeTable(v, io.Discard)
			if err != nil {
				return "", err
			}
			from := "is built in"
			if v.Routes != "" {
				from = "is that of " + v.Routes
			}
			return fmt.Sprintf("the route table %s, with %s", from, count(len(table.Routes()), "row", "rows")), nil
		}},
		{Do: "Correct postgres-url, or let the user of the service read the file with the password.", Load: func() (string, error) {
			if v.PostgresURL == "" || v.CheckPostgres(context.Background(), settings.DNS) != nil {
				return "", nil
			}
			config, err := postgresConfig(v, silent)
			if err == nil {
				err = postgres.Check(config)
			}
			return "", err
		}},
		{Do: "Correct it, and let the user of the service read the files for Redis.", Load: func() (string, error) {
			if v.Redis == "" || v.RedisEntryKeys.IsZero() && v.RedisEntryKeysFile == "" {
				return "", nil
			}
			config, err := redisConfig(v, silent)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s for Redis can be read", count(len(config.EntryKeys), "entry key", "entry keys")), nil
		}},
	}
}

// tokenParts are the tokens of both roles, of which none is made.
func tokenParts(v *settings.Settings, silent *slog.Logger) (parts []checkup.Part) {
	var all []server.Caller
	for _, source := range tokenSources(v) {
		parts = append(parts, checkup.Part{Do: "Correct the list, one `name token` a line, which the user of the service may read: docs/operations.md, Tokens.",
			Load: func() (string, error) {
				callers, is, err := source.there(v.DataDir, silent)
				all = append(all, callers...)
				return is, err
			}})
	}
	return append(parts, checkup.Part{Do: "Give each role tokens of its own, each with a name of its own.", Load: func() (string, error) {
		_, err := server.NewCallers(all...)
		return "", err
	}})
}

// there returns who may call by the settings, or by the token that was generated, if it was.
func (s tokenSource) there(dataDir string, log *slog.Logger) (callers []server.Caller, is string, err error) {
	if s.configured() {
		callers, err = s.callers(log)
		return callers, fmt.Sprintf("%s for the role %s", count(len(callers), "token is configured", "tokens are configured"), s.role), err
	}
	path := tokenPath(dataDir, s.role)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Sprintf("the token of the role %s is not there yet: the first start makes it", s.role), nil
	}
	callers, err = s.read(path)
	return callers, fmt.Sprintf("the token of the role %s was generated, in %s", s.role, path), err
}
