// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"aeroplane.run/authz/internal/sqlstore"
)

// A Condition is how a server and the database on it are, for people.
type Condition struct {
	Server string // its version
	Schema sqlstore.SchemaVersion
	// RoundTrip is how long a question takes, at best. Ahead is how far the server's clock is ahead of ours, give or take half of that.
	RoundTrip, Ahead time.Duration
	// Standbys are those that commits wait for, as synchronous_standby_names has them. Receivers is how many servers and programs
	// receive what is written.
	Standbys  string
	Receivers int
	// OldestSnapshot is the age of the oldest transaction that holds one, as far as we may see others'. Zero: there is none.
	OldestSnapshot time.Duration
	// Connected is how many clients are, and MayConnect how many may be, by the settings of server, database and role.
	Connected, MayConnect int
	// Members is how many replicas there are, if the schema is the one that is needed.
	Members int
}

// Uses is how many connections a replica uses at most.
func (c *Config) Uses() int {
	conns := cmp.Or(c.MaxConns, 16)
	return conns + conns/2 + 4
}

const conditionStatement = `SELECT current_setting('server_version'), current_setting('synchronous_standby_names'),
	(SELECT count(*) FROM pg_stat_replication), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
	(SELECT min(most) FROM (
		SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most
		UNION ALL SELECT datconnlimit FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
		UNION ALL SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user AND rolconnlimit >= 0) AS limits)`

// Examine says how the server and the database are that Open would use, and changes nothing. Errors are those of Open, but for
// the schema's version. The clock to compare the server's with is now.
func Examine(ctx context.Context, c Config, now func() time.Time) (found Condition, err error) {
	src, err := read(c)
	if err != nil {
		return found, err
	}
	db, v, err := look(ctx, src)
	if err != nil {
		return found, err
	}
	found.Schema = v
	err = found.ask(ctx, db, now)
	return found, errors.Join(dialect.Classified(advised(err)), db.Close())
}

func (c *Condition) ask(ctx context.Context, db *sql.DB, now func() time.Time) error {
	db.SetMaxOpenConns(1)
	if err := c.compareClocks(ctx, db, now); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, conditionStatement).Scan(&c.Server, &c.Standbys, &c.Receivers, &c.Connected, &c.MayConnect); err != nil {
		return err
	}
	var micros int64
	if err := db.QueryRowContext(ctx, snapshotStatement).Scan(&micros); err != nil {
		return err
	}
	c.OldestSnapshot = time.Duration(micros) * time.Microsecond
	if c.Schema.Have != c.Schema.Need {
		return nil // there may be no such table
	}
	return db.QueryRowContext(ctx, "SELECT count(*) FROM members").Scan(&c.Members)
}

// compareClocks believes the quickest of some answers: the server looked at its clock at some time between question and answer.
func (c *Condition) compareClocks(ctx context.Context, db *sql.DB, now func() time.Time) error {
	for i := range 4 {
		var micros int64
		before := now()
		if err := db.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&micros); err != nil {
			return err
		}
		took := now().Sub(before)
		if i == 0 || took < c.RoundTrip {
			c.RoundTrip, c.Ahead = took, time.UnixMicro(micros).Sub(before.Add(took/2))
		}
	}
	return nil
}
