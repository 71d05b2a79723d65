// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"sync"
	"time"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// An examination is one run. What several checks want to know is looked up when the first one asks, and once.
type examination struct {
	Config
	ctx   context.Context
	limit time.Duration

	running  func() *runningService // never nil
	postgres func() (postgres.Condition, error)
	embedded func() (sqlite.Condition, error)

	// What the system says, for tests to say otherwise.
	space  func(dir string) (free, total uint64, err error)
	synced func() (yes, known bool)
	lookup settings.Lookup
}

func newExamination(ctx context.Context, c Config) *examination {
	if c.Now == nil {
		c.Now = time.Now
	}
	x := &examination{Config: c, ctx: ctx, limit: limit, space: space, synced: synced, lookup: settings.DNS}
	x.running = sync.OnceValue(func() *runningService {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		return x.askService(ctx)
	})
	x.postgres = sync.OnceValues(func() (found postgres.Condition, err error) {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		config, err := x.postgresConfig(ctx)
		if err != nil {
			return found, err
		}
		return postgres.Examine(ctx, config, x.Now)
	})
	x.embedded = sync.OnceValues(func() (sqlite.Condition, error) {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		return sqlite.Look(ctx, x.Settings.DataDir)
	})
	return x
}

// An unsettled error is one of the settings, which the check of these tells.
type unsettled struct{ error }

// postgresConfig returns how to connect, unless the settings are such that nobody should.
func (x *examination) postgresConfig(ctx context.Context) (config postgres.Config, err error) {
	if err = x.Settings.CheckPostgres(ctx, x.lookup); err == nil {
		config, err = x.Postgres()
	}
	if err != nil {
		return config, unsettled{err}
	}
	// The driver does not mind a context while it waits for an answer.
	config.StatementTimeout = min(config.StatementTimeout, lookLimit/4)
	return config, nil
}

func (x *examination) onPostgres() bool { return x.Settings.PostgresURL != "" }
