// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"aeroplane.run/authz"
)

// versionTable is where the migrations that were made are noted.
const versionTable = "schema_version"

// A Schema is what the tables of a database are to look like: numbered migrations, of which each is made once, in order,
// and none is ever changed or taken back.
type Schema struct {
	DB         *sql.DB
	Dialect    goose.Dialect
	Migrations fs.FS              // NNNNN_name.sql at its root
	Locker     lock.SessionLocker // nil where nobody else can be there
	HasVersion string             // a statement that tells whether the versionTable, $1, is there
}

// A SchemaVersion says where a schema is.
type SchemaVersion struct {
	Have int64 // 0: empty
	Need int64 // the last migration that this program knows
}

// Version returns where the schema is. It changes nothing.
func (s Schema) Version(ctx context.Context) (SchemaVersion, error) {
	p, err := s.provider()
	if err != nil {
		return SchemaVersion{}, err
	}
	sources := p.ListSources()
	v := SchemaVersion{Need: sources[len(sources)-1].Version}
	var there bool
	if err := s.DB.QueryRowContext(ctx, s.HasVersion, versionTable).Scan(&there); err != nil || !there {
		return v, err
	}
	err = s.DB.QueryRowContext(ctx, "SELECT COALESCE(max(version_id), 0) FROM "+versionTable).Scan(&v.Have)
	return v, err
}

// Missing returns the version of a database that is not there.
func (s Schema) Missing() (SchemaVersion, error) {
	files, err := fs.Glob(s.Migrations, "*.sql")
	if err != nil {
		return SchemaVersion{}, err
	}
	last, err := goose.NumericComponent(files[len(files)-1]) // Glob sorts
	return SchemaVersion{Need: last}, err
}

// Migrate makes the migrations that are missing. Several programs may do so at once.
func (s Schema) Migrate(ctx context.Context) (from, to int64, err error) {
	v, err := s.Version(ctx)
	if err != nil {
		return 0, 0, err
	}
	if v.Have >= v.Need {
		return v.Have, v.Have, v.tooNew()
	}
	p, err := s.provider()
	if err != nil {
		return 0, 0, err
	}
	if _, err := p.Up(ctx); err != nil {
		return 0, 0, err
	}
	after, err := s.Version(ctx)
	if err == nil {
		err = after.tooNew()
	}
	return v.Have, after.Have, err
}

// Ready returns an error unless the schema is the one that this program needs. With migrate it is made so.
func (s Schema) Ready(ctx context.Context, migrate bool) error {
	if migrate {
		_, _, err := s.Migrate(ctx)
		return err
	}
	v, err := s.Version(ctx)
	if err != nil {
		return err
	}
	return v.Ready()
}

// Ready returns an error unless the version is the one that is needed.
func (v SchemaVersion) Ready() error {
	if v.Have < v.Need {
		return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeSchemaTooOld,
			Message: v.text() + ": run `aeroplane-authz migrate`"}
	}
	return v.tooNew()
}

func (v SchemaVersion) text() string {
	return fmt.Sprintf("the schema of the database is at version %d, and this program needs %d", v.Have, v.Need)
}

func (v SchemaVersion) tooNew() error {
	if v.Have <= v.Need {
		return nil
	}
	return &authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeSchemaTooNew,
		Message: v.text() + ": upgrade aeroplane-authz, or restore a backup from before the upgrade"}
}

func (s Schema) provider() (*goose.Provider, error) {
	options := []goose.ProviderOption{
		goose.WithTableName(versionTable),
		goose.WithLogger(goose.NopLogger()),
		goose.WithDisableGlobalRegistry(true),
	}
	if s.Locker != nil {
		options = append(options, goose.WithSessionLocker(s.Locker))
	}
	return goose.NewProvider(s.Dialect, s.DB, s.Migrations, options...)
}
