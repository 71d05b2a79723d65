// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/metrics"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/sqlite"
)

// Config says what to open: one of SQLite and Postgres, and else what is to be beside it.
type Config struct {
	SQLite   *sqlite.Config
	Postgres *postgres.Config
	// Redis is a second place for records. Nil: there is none.
	Redis *rediscache.Config
	// Lease is how long the replica decides after the start of its last round. Zero: fence.DefaultLease.
	Lease time.Duration
	// Name tells people which replica this is. Empty: the machine's, and the number of the process.
	Name string
	// MaxRecords bounds how many records are kept of what exists. Zero: a million.
	MaxRecords int
	// Retention is what to delete in the background. Nil: that is somebody else's business.
	Retention *authz.Retention
	// WatchSync lets the metrics tell how what is kept stands to Aeroplane.
	WatchSync bool
	// Metrics are told what happens. Nil: nothing is counted.
	Metrics *metrics.Metrics
	// Logger is where changes of state are told of. Nil: nowhere.
	Logger *slog.Logger
}

// maxReads is how many reads of the embedded database go on at a time, or wait for its one connection. Of Postgres they have half
// of the connections. So no flood of them keeps changes from one.
const maxReads = 8

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// open opens the database, and puts it behind a fence, with Redis beside it if there is one.
func (c *Config) open(ctx context.Context, watched metrics.Sources) (_ *fence.Store, closeShelf func(), err error) {
	config := fence.Config{Name: cmp.Or(c.Name, defaultName()), Lease: c.Lease, MaxRecords: c.MaxRecords, Logger: c.logger()}
	if c.Metrics != nil {
		config.Observer = c.Metrics
	}
	if err := c.openDatabase(ctx, &config, &watched); err != nil {
		return nil, nil, err
	}
	closeShelf = func() {}
	if c.Redis != nil {
		shelf, err := rediscache.Open(*c.Redis)
		if err != nil {
			return nil, nil, errors.Join(err, config.Database.Close())
		}
		config.Shelf, closeShelf = shelf, shelf.Close
		watched.Redis = func() metrics.RedisStats { return metrics.RedisStats(shelf.Stats()) }
	}
	store, err := fence.Open(config)
	if err != nil {
		closeShelf()
		return nil, nil, errors.Join(err, config.Database.Close())
	}
	if c.Metrics != nil {
		watched.Store = store.Stats
		c.Metrics.Watch(watched)
	}
	return store, closeShelf, nil
}

func (c *Config) openDatabase(ctx context.Context, config *fence.Config, watched *metrics.Sources) error {
	switch {
	case (c.SQLite == nil) == (c.Postgres == nil):
		return errors.New("a replica needs one database")
	case c.SQLite != nil:
		db, err := sqlite.Open(ctx, *c.SQLite)
		if err != nil {
			return err
		}
		config.Database, config.History, config.MaxReads = db, db.History(), maxReads
		watched.Pool = db.Pool
		return nil
	}
	db, err := postgres.Open(ctx, *c.Postgres)
	if err != nil {
		return err
	}
	config.Database, config.History, config.Members = db, db.History(), db.Members()
	_, conns := db.Pool()
	config.MaxReads = max(1, conns/2)
	watched.Pool, watched.OldestSnapshot = db.Pool, db.OldestSnapshot
	return nil
}

// defaultName tells people, in the table of members, which process this is.
func defaultName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
