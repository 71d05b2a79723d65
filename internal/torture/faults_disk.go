// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

var diskFaults = []Fault{{
	Number: 20, Name: "the disk of Postgres is full", Times: 3, Needs: []Need{Root},
	How:    "the primary's log is on a small file system, which is filled up until it can write no more",
	Expect: "it goes on when there is room again",
	Inject: fillDisk, Check: expect(happened("full")),
}}

// fillDisk proves that what cannot be written is not confirmed.
func fillDisk(ctx context.Context, s *Stage) {
	const megabytes = 20
	primary := s.Postgres.Primary()
	small, more, restore := primary.SmallWAL(s, megabytes)
	ballast := filepath.Join(small, "ballast")
	for ctx.Err() == nil {
		fill(ballast)
		full := s.await(ctx, s.duration, func() bool {
			_, err := s.Inside(s, primary).ExecContext(ctx, "SELECT pg_logical_emit_message(false, 'torture', repeat('x', 1000000))")
			return err != nil && ctx.Err() == nil
		})
		if full {
			s.mark("full", -1)
			pause(ctx, upTo(s.rand, 2*s.Options.Lease))
		}
		if err := os.Remove(ballast); err != nil {
			s.Log(err)
		}
		more() // the log has grown: to start the server needs another piece of it
		// It may have begun to recover by itself, and failed.
		s.await(context.WithoutCancel(ctx), 10*time.Second, func() bool {
			if !primary.Running() {
				primary.Start(s)
			}
			return s.Inside(s, primary).Ping() == nil
		})
		s.mark("room again", -1)
		// The replicas come back later than Postgres. What is filled up before they do would show nothing.
		told := s.load.told.Load()
		s.await(ctx, s.duration, func() bool { return s.load.told.Load() > told })
		pause(ctx, s.between(s.Options.Lease, 2*s.Options.Lease))
	}
	restore()
	primary.Start(s)
}

// fill writes a file until there is no room any more.
func fill(path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	for some := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(some)
	}
}
