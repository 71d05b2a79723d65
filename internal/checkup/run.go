// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
)

// Config says what to examine.
type Config struct {
	// Settings are those of the service, as they were loaded. They may contradict each other.
	Settings *settings.Settings
	// Parts are what else is made of the settings before anything is opened.
	Parts []Part
	// Usable refuses a data directory that this user could not use, or make. It makes nothing.
	Usable func(dir string) error
	// Postgres and Redis are what the settings say of them.
	Postgres func() (postgres.Config, error)
	Redis    func() (rediscache.Config, error)
	// Address is where the service is called, and Ops where its metrics and probes are, empty if that is nowhere or not known.
	// Without an Address it is not called.
	Address, Ops string
	// Connect prepares a connection to the service, with the token of an admin or with none. It lasts until the context ends.
	Connect func(ctx context.Context, asAdmin bool) (*grpc.ClientConn, error)
	// Build is which program this is.
	Build Build
	// Now is the clock of this machine. Nil: it is.
	Now func() time.Time
}

// A Build is which program it is, as far as that is known, and when its last change was made.
type Build struct {
	Version, Commit string
	Time            time.Time
}

// A Part is something that the settings mean, such as a file that they name.
type Part struct {
	// Load reads it, and says what it is in a few words, or what is wrong with it.
	Load func() (is string, err error)
	// Do says what to do if it is wrong.
	Do string
}

// A check is one row of what is examined.
type check struct {
	name string
	look func(ctx context.Context, x *examination) []Finding
}

// checks are in the order of a report. A new one is a file and a row.
var checks = []check{
	{"settings", checkSettings},
	{"permissions", checkPermissions},
	{"service", checkService},
	{"lease", checkLease},
	{"database", checkDatabase},
	{"clock", checkClock},
	{"redis", checkRedis},
	{"aeroplane", checkAeroplane},
}

// limit bounds each check, and lookLimit what several checks wait for. grace is for a check that is about to say something.
const (
	limit     = 5 * time.Second
	lookLimit = 4 * time.Second
	grace     = 500 * time.Millisecond
)

// Run examines an installation. When ctx ends the report is not complete.
func Run(ctx context.Context, c Config) *Report {
	began := time.Now()
	x := newExamination(ctx, c)
	r := x.run(checks)
	r.Took = time.Since(began)
	return r
}

func (x *examination) run(checks []check) *Report {
	found := make([][]Finding, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		running.Go(func() { found[i] = x.bounded(c) })
	}
	running.Wait()
	for i, c := range checks {
		for j := range found[i] {
			f := &found[i][j]
			f.Check = c.name
			f.Found, f.Do = apikey.Redact(f.Found), apikey.Redact(f.Do) // a key may have been set where it does not belong
		}
	}
	return newReport(x.Build.Version, slices.Concat(found...))
}

// bounded runs a check, and does not wait for one that hangs, as on a file system that does not answer.
func (x *examination) bounded(c check) []Finding {
	ctx, cancel := context.WithTimeout(x.ctx, x.limit)
	defer cancel()
	said := make(chan []Finding, 1)
	go func() { said <- c.look(ctx, x) }()
	select {
	case findings := <-said:
		return findings
	case <-ctx.Done():
	}
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case findings := <-said:
		return findings
	case <-last.C:
		return []Finding{fault("Look at what it examines: something there does not answer.", "it was not done after %v", x.limit)}
	}
}
