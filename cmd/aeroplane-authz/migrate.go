// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// A schemaVersion is what migrate and migrate status print, in JSON.
type schemaVersion struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (a *app) migrate() *cobra.Command {
	cmd := command("migrate [flags]", "Bring the database's schema up to date", noArguments, func(cmd *cobra.Command, _ []string) error {
		v, p, err := a.forMigration(cmd)
		if err != nil {
			return err
		}
		var done schemaVersion
		if done.From, done.To, err = migrate(cmd.Context(), v, logger(v, a.stderr)); err != nil {
			return storeFailure(err)
		}
		return p.plain(done, func(w io.Writer) {
			if done.From == done.To {
				fmt.Fprintf(w, "the schema is at version %d already\n", done.To)
				return
			}
			fmt.Fprintf(w, "the schema was at version %d and is now at %d\n", done.From, done.To)
		})
	})
	status := command("status [flags]", "Say where the database's schema is; exit code 1 means that it is not the one needed",
		noArguments, func(cmd *cobra.Command, _ []string) error {
			v, p, err := a.forMigration(cmd)
			if err != nil {
				return err
			}
			have, need, err := schemaStatus(cmd.Context(), v, logger(v, a.stderr))
			if err != nil {
				return storeFailure(err)
			}
			err = p.plain(map[string]int64{"have": have, "need": need}, func(w io.Writer) {
				fmt.Fprintf(w, "the schema is at version %d; this program needs %d\n", have, need)
			})
			if err == nil && have != need {
				err = &failure{code: exitNo}
			}
			return err
		})
	names := []string{"data-dir", "postgres-url", "postgres-password-file", "insecure-plaintext", "output"}
	cmd.AddCommand(withSettings(status, 0, names...), a.migrateRole())
	return withSettings(cmd, 0, names...)
}

// migrateRole prints, so that the owner of the tables sees what is granted, and may not be whom this program logs in as.
func (a *app) migrateRole() *cobra.Command {
	cmd := command("role NAME", "Print the SQL that lets a role of Postgres be that of a gateway with a replica in it", exactly("the name of a role"),
		func(_ *cobra.Command, args []string) error {
			text, err := postgres.Grants(args[0])
			if err != nil {
				return usage("%w", err)
			}
			_, err = io.WriteString(a.stdout, text)
			return err
		})
	cmd.Long = `Print the SQL that lets a role of Postgres be that of a gateway with a replica in it (package embedded): it may read what
decisions need, be a member, and note when keys were used. The role must be there, and be one of its own for each host:

  CREATE ROLE edge_1 LOGIN PASSWORD '...' CONNECTION LIMIT 32;

Let the owner of the tables run what is printed, and once more after each migration:

  aeroplane-authz migrate role edge_1 | psql --set ON_ERROR_STOP=1 "$DATABASE_URL"`
	return cmd
}

// forMigration returns the settings, of which those of the database alone are checked: a migration job opens no door.
func (a *app) forMigration(cmd *cobra.Command) (*settings.Settings, printer, error) {
	v, err := a.load(cmd)
	if err != nil {
		return nil, printer{}, err
	}
	if err := v.CheckPostgres(cmd.Context(), settings.DNS); err != nil {
		return nil, printer{}, usage("%w", err)
	}
	return v, printer{a.stdout, a.stderr, v.Output == "json"}, nil
}

func migrate(ctx context.Context, v *settings.Settings, log *slog.Logger) (from, to int64, err error) {
	if v.PostgresURL == "" {
		return sqlite.Migrate(ctx, sqlite.Config{Dir: v.DataDir})
	}
	config, err := postgresConfig(v, log)
	if err != nil {
		return 0, 0, err
	}
	return postgres.Migrate(ctx, config)
}

func schemaStatus(ctx context.Context, v *settings.Settings, log *slog.Logger) (have, need int64, err error) {
	if v.PostgresURL == "" {
		s, err := sqlite.Status(ctx, sqlite.Config{Dir: v.DataDir})
		return s.Have, s.Need, err
	}
	config, err := postgresConfig(v, log)
	if err != nil {
		return 0, 0, err
	}
	s, err := postgres.Status(ctx, config)
	return s.Have, s.Need, err
}
