// SPDX-License-Identifier: Apache-2.0

package embedded

import (
	"context"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/replica"
	"aeroplane.run/authz/internal/sqlite"
)

// Config says what to Open. Dir is required.
type Config struct {
	Options
	// Dir is the directory of the embedded database. It is made if it is missing, for this user alone, and refused if everybody can
	// change what is in it.
	Dir string
	// Retention is for how long records are kept after they have served. Nil: authz.DefaultRetention.
	Retention *authz.Retention
}

// A Service is a Replica that has its database alone, and administers it. A change of something that was there is in force here when
// it has returned.
type Service struct {
	*Replica
	Issuer   *authz.Issuer   // keys
	Catalog  *authz.Catalog  // projects, services and deployments
	Sessions *authz.Sessions // browser sessions
	Audit    *authz.Audit    // who changed what
}

// Open opens the embedded database of a directory, and brings an older schema up to date. Errors: FailedPrecondition if another
// process has it, if it is damaged, if its schema is newer than this program, or if the Config is wrong.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.Dir == "" {
		return nil, authz.Errorf(authz.FailedPrecondition, "the directory of the embedded database must be named")
	}
	keep := authz.DefaultRetention()
	if c.Retention != nil {
		keep = *c.Retention
	}
	r, err := open(ctx, replica.Config{SQLite: &sqlite.Config{Dir: c.Dir, Migrate: true}, Retention: &keep}, c.Options)
	if err != nil {
		return nil, err
	}
	return &Service{
		Replica:  r,
		Issuer:   &authz.Issuer{Store: r.store, Now: time.Now},
		Catalog:  &authz.Catalog{Store: r.store, Now: time.Now},
		Sessions: &authz.Sessions{Store: r.store, Now: time.Now},
		Audit:    &authz.Audit{Store: r.store},
	}, nil
}
