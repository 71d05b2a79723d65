// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// Read reads everything there is in the database at a path, as it is at one instant. Sessions that have ended at now are left out. The
// rows that were read so far are told to progress, which may be nil, now and then; it must not call Read, Check or Look of the same
// database, which wait for each other. Errors: FailedPrecondition if it is not there, may not be read, or is not a database of an
// Aeroplane that is new enough; Unavailable if it is locked, or does not keep still.
func Read(ctx context.Context, path string, now time.Time, progress func(Progress)) (*Reading, error) {
	var r *Reading
	err := with(ctx, path, func(s *source) (err error) {
		if err = s.exec(ctx, "BEGIN"); err == nil { // it ends when the source is closed
			r, err = read(ctx, s.conn, path, now, progress)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Check looks for damage in the tables that are read, which takes longer than a Read. Errors: as Read; FailedPrecondition if there is some.
func Check(ctx context.Context, path string) error {
	return with(ctx, path, func(s *source) error {
		schema, err := s.schema(ctx)
		if err != nil {
			return err
		}
		if err := schema.check(path); err != nil {
			return err
		}
		for _, t := range tables { // each in a transaction of its own, for checkpoints to get through
			var said string
			err := s.each(ctx, "PRAGMA quick_check("+t.name+")", func(v []driver.Value) error {
				if said == "" {
					said, _ = v[0].(string)
				}
				return nil
			})
			if err == nil && said != "ok" {
				err = damaged(path, errors.New(said))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// attempts is how often something is tried while others open and close the database.
const attempts = 5

// with does something with the database open, and again where somebody came or went meanwhile.
func with(ctx context.Context, path string, do func(*source) error) (err error) {
	for range attempts {
		if err = once(ctx, path, do); err == nil || !anew(err) || ctx.Err() != nil {
			break
		}
		select { // for the others to get on with it
		case <-ctx.Done():
		case <-time.After(patience / 50):
		}
	}
	return fault(path, err)
}

func once(ctx context.Context, path string, do func(*source) error) error {
	s, err := attach(ctx, path)
	if err != nil {
		return err
	}
	err = do(s)
	// Whatever went wrong may have been somebody's doing who came meanwhile.
	return errors.Join(err, s.settle(path), s.close())
}
