// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aeroplane.run/authz/internal/datadir"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/sqlite"
)

// checkDataDir refuses a data directory that a server could not use, as far as that shows without making anything in it.
func (p *plan) checkDataDir(v *settings.Settings) error {
	embedded := v.PostgresURL == ""
	if !embedded && len(p.generated) == 0 {
		return nil // there is no need for one
	}
	if err := usable(v.DataDir); err != nil {
		return usage("the data directory %s cannot be used: %w", v.DataDir, err)
	}
	if !embedded {
		return nil
	}
	if err := sqlite.Held(v.DataDir); err != nil {
		return storeFailure(err)
	}
	return nil
}

// usable refuses a directory that could not be written to, or, where it is missing, could not be made.
func usable(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	at := dir
	info, err := os.Stat(at)
	for ; errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at); info, err = os.Stat(at) {
		at = filepath.Dir(at)
	}
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "open", Path: at, Err: errors.New("not a directory")}
	case at == dir:
		if err := datadir.Check(dir); err != nil {
			return err
		}
	}
	return writable(at)
}
