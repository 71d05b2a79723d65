// SPDX-License-Identifier: Apache-2.0

package embedded

import (
	"context"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/replica"
)

// JoinConfig says where to Join. DSN is required.
type JoinConfig struct {
	Options
	// DSN is the connection string of Postgres, a URL or key=value pairs, with the role that this replica logs in as: one of its own,
	// with what the SQL of `aeroplane-authz migrate role` grants, and nothing else. A password does better in PasswordFile.
	DSN string
	// PasswordFile holds the password. It is read for each connection, so that it may be replaced. Empty: it is in the DSN.
	PasswordFile string
	// AllowPlaintext allows connections to other machines, to Postgres and Redis, that are not encrypted: passwords and all that is
	// read cross the network readable. Without it such a connection is refused.
	AllowPlaintext bool
	// AllowFullRole allows a role that may do more than a replica in a gateway needs, such as the service's own. Whoever breaks into
	// this host can then make keys for everything. Without it such a role is refused.
	AllowFullRole bool
	// RequireStandby refuses a Postgres that confirms commits without waiting for a standby.
	RequireStandby bool
	// Lease is how long this replica decides without being confirmed by Postgres, 500 ms to 5 s. Zero: 4 s. A longer one rides out
	// longer outages, and has revocations wait longer for a host that has died.
	Lease time.Duration
	// Name tells people which replica this is, in logs and in the table of members. Empty: host and process.
	Name string
	// MaxConns bounds the connections to Postgres that read, beside four that follow the history. Zero: 16.
	MaxConns int
	// StatementTimeout bounds each statement. Zero: 5 s.
	StatementTimeout time.Duration
	// Redis is a second place for records. Nil: there is none.
	Redis *Redis
}

// Join makes this process a replica on a Postgres whose tables are there. It does not wait for a lease. Errors: FailedPrecondition
// if the role is not as it should be, if the schema is not the one that this program needs, if Postgres is not to be relied on, if
// what is sent to it could be read on the way, or if the JoinConfig is wrong; Unavailable if Postgres cannot be reached.
func Join(ctx context.Context, c JoinConfig) (*Replica, error) {
	if c.DSN == "" { // which would be what the environment happens to say
		return nil, authz.Errorf(authz.FailedPrecondition, "the DSN of Postgres must be given")
	}
	var shelf *rediscache.Config
	if c.Redis != nil {
		config, err := c.Redis.config(c)
		if err != nil {
			return nil, err
		}
		shelf = &config
	}
	return open(ctx, replica.Config{
		Postgres: &postgres.Config{
			DSN: c.DSN, PasswordFile: c.PasswordFile, AllowPlaintext: c.AllowPlaintext, RequireStandby: c.RequireStandby,
			MaxConns: c.MaxConns, StatementTimeout: c.StatementTimeout, Guest: !c.AllowFullRole,
		},
		Redis: shelf, Lease: c.Lease, Name: c.Name,
	}, c.Options)
}
