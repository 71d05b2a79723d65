// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"errors"
	"os"
)

// A guard has a database open and holds SQLite's shared lock on it. As long as it does, whoever closes the database last cannot take
// the log and its index away, and nobody can put the database into another journal mode: what was seen beside the file is
// still there when SQLite looks.
//
// Its lock goes with the first descriptor of the file that this process closes. So it is closed after SQLite's connection, and has a turn.
type guard struct {
	*os.File
	turn *turn
}

func newGuard(ctx context.Context, path string) (*guard, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	t, err := takeTurn(ctx, path, info)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		t.end()
		return nil, err
	}
	g := &guard{f, t}
	if now, err := f.Stat(); err != nil || !os.SameFile(now, info) {
		return nil, errors.Join(err, errStirred, g.Close())
	}
	return g, nil
}

func (g *guard) Close() error {
	defer g.turn.end()
	return g.File.Close()
}
