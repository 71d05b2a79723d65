// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz"
)

// A Reading is what there was in Aeroplane at one instant: projects, services, deployments and keys by id, sessions by digest.
// It tells of sessions and keys, too.
type Reading struct {
	authz.Inventory
	Refused []Finding // rows that were left out
	Notes   []Finding // rows that were taken over otherwise than as they are, and columns that are missing
}

// A Finding is something about one row of Aeroplane's that an operator may want to put right.
type Finding struct {
	Kind string // "project", "service", "deployment", "user", "session" or "key"
	ID   string // as it may be shown; of a missing column its table and name
	Why  string // goes on from the kind and the id
}

// Progress is how far a Read has come.
type Progress struct {
	Table string // the one that is being read
	Rows  int    // that were read so far, of all tables
}

// mostRows bounds what is read of one database, as what one sync may hold is bounded.
const mostRows = 1_000_000

var tooMany error = authz.Errorf(authz.FailedPrecondition, "there is more in Aeroplane's file than can be taken over: %d rows", mostRows)

// stride is after how many rows progress is told.
const stride = 10000

// A scan is a Read at work.
type scan struct {
	ctx      context.Context
	conn     *conn
	schema   schema
	now      time.Time
	progress func(Progress)
	rows     int
	people   people
	*Reading
}

// read reads everything in the transaction that the connection has open.
func read(ctx context.Context, c *conn, path string, now time.Time, progress func(Progress)) (*Reading, error) {
	schema, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	if err := schema.check(path); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	s := &scan{ctx: ctx, conn: c, schema: schema, now: now, progress: progress, Reading: &Reading{Inventory: authz.Inventory{WithSessions: true, WithKeys: true}}}
	s.missing()
	// Sessions and keys need to know of users, and keys of projects.
	for _, part := range []func() error{s.readUsers, s.readProjects, s.readServices, s.readDeployments, s.readSessions, s.readKeys} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return s.Reading, nil
}

// missing notes the columns that are missed by people alone.
func (s *scan) missing() {
	kinds := map[string]string{users.name: "user", groups.name: "project", services.name: "service", keys.name: "key"}
	for _, t := range tables {
		for _, column := range t.may {
			if !s.schema[t.name+"."+column] {
				s.note(kinds[t.name], t.name+"."+column, "is a column that this Aeroplane does not have, and counts as empty")
			}
		}
	}
}

// each calls row with the columns of each row of a table.
func (s *scan) each(t table, row func([]driver.Value), columns ...string) error {
	defer func() { s.progress(Progress{t.name, s.rows}) }()
	// That the caller gave up is looked at now and then; the driver would do so for each row.
	return s.conn.each(context.WithoutCancel(s.ctx), s.schema.query(t, columns...), func(v []driver.Value) error {
		row(v)
		return s.count(t)
	})
}

// count counts a row, and now and then tells of it, and whether the caller gave up.
func (s *scan) count(t table) error {
	if s.rows++; s.rows > mostRows {
		return tooMany
	}
	if s.rows%stride != 0 {
		return nil
	}
	s.progress(Progress{t.name, s.rows})
	return s.ctx.Err()
}

func (s *scan) refuse(kind, id, why string) {
	s.Refused = append(s.Refused, Finding{kind, id, why})
}

func (s *scan) note(kind, id, format string, args ...any) {
	s.Notes = append(s.Notes, Finding{kind, id, fmt.Sprintf(format, args...)})
}

const repeated = "shares its id with another row: nobody knows which is meant"

// A catalogued is a project, service or deployment.
type catalogued interface {
	authz.Project | authz.Service | authz.Deployment
}

// unique sorts items by id and refuses those whose id is another's too, or that of a row that was refused. It takes no map: there
// may be many.
func unique[T catalogued](s *scan, kind string, items []T, id func(T) string, refused []string) []T {
	byID := func(a, b T) int { return strings.Compare(id(a), id(b)) }
	if !slices.IsSortedFunc(items, byID) {
		slices.SortFunc(items, byID)
	}
	slices.Sort(refused)
	kept := items[:0]
	for i := 0; i < len(items); {
		end := i + 1
		for end < len(items) && id(items[end]) == id(items[i]) {
			end++
		}
		_, bad := slices.BinarySearch(refused, id(items[i]))
		if end == i+1 && !bad {
			kept = append(kept, items[i])
		} else {
			s.refuse(kind, id(items[i]), repeated)
		}
		i = end
	}
	return kept
}
